"""The page of Dagster's jobs, schedules and sensors, from the definitions; without Dagster it says so."""

from collections.abc import Iterator
from typing import Any

from docs.hooks.dbt_project import manifest
from docs.hooks.markup import code, heading, paragraph, table, text

_PAGE = "reference/dagster.md"


def pages() -> Iterator[tuple[str, str]]:
    """The page and its text."""
    # It finds the manifest that dbt has made for this build.
    manifest()
    try:
        from orchestration.definitions import defs
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("dagster"):
            raise
        yield (
            _PAGE,
            "# Dagster\n\nThis site was built without Dagster, so its jobs, schedules and sensors are not listed.\n",
        )
        return
    repository = defs.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    parts = [
        "# Dagster\n\n",
        paragraph(text("Jobs, schedules and sensors, as Dagster has them. What is off is started under Automation.")),
        heading(2, "Jobs"),
        table(("job", "what it does"), ((code(job.name), text(job.description or "")) for job in _by_name(jobs))),
        heading(2, "Schedules"),
        table(
            ("schedule", "when", "job", "what it does", "at first"), map(_schedule, _by_name(repository.schedule_defs))
        ),
        heading(2, "Sensors"),
        table(
            ("sensor", "what it does", "at first"),
            ((code(one.name), text(one.description or ""), _state(one)) for one in _by_name(repository.sensor_defs)),
        ),
    ]
    yield _PAGE, "".join(parts)


def _by_name(found: Any) -> list[Any]:
    return sorted(found, key=lambda one: str(one.name))


def _schedule(one: Any) -> tuple[str, ...]:
    when = f"{code(one.cron_schedule)} {text(one.execution_timezone or 'UTC')}"
    return code(one.name), when, code(one.job_name), text(one.description or ""), _state(one)


def _state(one: Any) -> str:
    return "on" if one.default_status.value == "RUNNING" else "off"
