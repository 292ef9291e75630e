# The platform as one image: every service of compose.yaml that is ours is a command of it.
#
# An index other than pip's own: docker build --secret id=pip.conf,src=PATH_OF_PIP_CONF .
FROM docker.io/library/python:3.12.14-slim-bookworm AS python

FROM python AS builder
# As in the Makefile; a test compares.
ARG POETRY_VERSION=2.5.1
ARG POETRY_EXPORT_VERSION=1.10.1
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv /opt/poetry && \
    /opt/poetry/bin/python -m pip install --quiet \
    "poetry==${POETRY_VERSION}" "poetry-plugin-export==${POETRY_EXPORT_VERSION}"
COPY pyproject.toml poetry.lock ./
# Exactly what is locked, each file by its checksum, and nothing that only development needs.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv /opt/venv && \
    /opt/poetry/bin/poetry export --quiet --output /tmp/requirements.txt \
    --extras 'orchestrator lakehouse monitoring portal postgres streams' && \
    /opt/venv/bin/python -m pip install --quiet --require-hashes --no-deps -r /tmp/requirements.txt && \
    /opt/venv/bin/python -m pip uninstall --quiet --yes pip
COPY . .
ENV PATH=/opt/venv/bin:$PATH VIRTUAL_ENV=/opt/venv
# The command nyc, and dbt's manifest: without it the code location would parse the project at each start.
RUN /opt/poetry/bin/poetry install --quiet --only-root && \
    python -m compileall -q -j 0 . && \
    python -c "from orchestration.dbt_cli.project import dbt_project, prepare_manifest as p; p(dbt_project)" && \
    rm -rf dbt/logs dbt/.user.yml data logs

FROM python
LABEL org.opencontainers.image.title="NYC Analytics Platform" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number of its own, so that volumes belong to the same user on every machine.
RUN groupadd --gid 10001 nyc && \
    useradd --uid 10001 --gid nyc --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nyc && \
    install --directory --owner=nyc --group=nyc --mode=0750 /app/data /app/logs
WORKDIR /app
# The code belongs to root: what runs it cannot change it.
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
RUN ln -s /app/deploy/with_secrets.py /usr/local/bin/with-secrets
# Written to: /app/data, /app/logs and /tmp alone.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    DAGSTER_HOME=/app/orchestration \
    DBT_TARGET_PATH=/app/data/dbt_target \
    DBT_LOG_PATH=/app/logs/dbt
USER 10001:10001
VOLUME ["/app/data", "/app/logs"]
ENTRYPOINT ["with-secrets"]
CMD ["nyc", "--help"]
