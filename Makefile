# make needs only Python 3.11 to 3.13 and a package index.

PYTHON ?= python3
POETRY_VERSION := 2.5.1
POETRY_EXPORT_VERSION := 1.10.1
# What installs packages, where none is on the path.
UV_VERSION := 0.13.9

BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
# Tools work on the environment that is active, which may be that of another project.
export VIRTUAL_ENV := $(CURDIR)/.venv

# Every command gets the settings in .env, read as dagster reads them: make itself would interpret `$$` and `#` in a
# password. The environment comes before .env.
RUN := dotenv --file "$(CURDIR)/.env" run --no-override --

# The command nyc, which reads .env itself. By its module, so that it works before `nyc` is installed.
NYC := python -m cli

# A report ends with 3 if something is not there yet, which is no failure for make, and with 1 if something failed, which
# is. It ends with 141 if `| head` closed the pipe.
define report
@$(1) || case $$? in \
	3) echo "make $@: something is not there yet, as it says above" >&2 ;; \
	141) ;; \
	1) echo "make $@: something failed, as it says above" >&2; exit 1 ;; \
	*) exit 2 ;; \
esac
endef

# The sandbox: its port, its months, and the rows of a month of yellow taxi (other feeds in proportion).
PORT ?= 8900
FROM ?= 2025-01
TO ?= 2025-02
ROWS ?= 50000

# The layers: where their sample of event files is made, and the first month to look for event files and runs in.
EVENT_FILES ?= data/sandbox/event_files
EVENTS_FROM ?= 2015-01

# The tests that `make test-part` runs.
TESTS ?= tests

# The benchmark: how many trips in all, over 24 months.
SCALE ?= 32000000

# What every setup installs, and what `make spark-setup` added, so that it stays when the lock changes.
EXTRAS := orchestrator lakehouse monitoring portal postgres streams
ADDED_EXTRAS := $(notdir $(wildcard .venv/.extras/*))

.DEFAULT_GOAL := help

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk -F': ' '{printf "make %-18s %s\n", $$1, $$2}'
	@echo "A report ends well if something is not there yet, and with 2 if something failed."
	@echo "The command nyc has all of this with more options: nyc --help (after: . .venv/bin/activate)."

## setup: create .venv with the locked packages, those that tests and checks need included, and .env
.PHONY: setup
setup: ready .venv/.development

# What uses the platform needs no more than this.
.PHONY: ready
ready: .venv/.installed
	@# Two setups may run at once: each writes a file of its own and renames it.
	@test -f .env || { new=$$(mktemp .env.XXXXXX) && cp .env.example "$$new" && mv -n "$$new" .env; rm -f "$$new"; }
	@home='$(CURDIR)/orchestration'; test "$$(dotenv --file .env get DAGSTER_HOME 2>/dev/null)" = "$$home" || \
		dotenv --file .env set DAGSTER_HOME "$$home" > /dev/null

# Poetry's installer needs the index's JSON API, which company mirrors often lack. So uv or pip installs exactly what
# is locked. Each stamp is written when all of it is there.
INSTALL := $(PYTHON) -m environment --uv $(UV_VERSION)

.venv/.installed: pyproject.toml poetry.lock
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(None if ok else f"$(PYTHON) is Python {sys.version.split()[0]}; 3.11, 3.12 or 3.13 is needed: make setup PYTHON=python3.12")'
	@echo "make $(or $(MAKECMDGOALS),setup): installing packages into .venv" >&2
	@$(INSTALL) --stamp $@ --extras $(EXTRAS) $(ADDED_EXTRAS) --with-project \
		--poetry poetry==$(POETRY_VERSION) poetry-plugin-export==$(POETRY_EXPORT_VERSION)

.venv/.development: poetry.lock | .venv/.installed
	@echo "make $(or $(MAKECMDGOALS),setup): adding the packages for tests and checks" >&2
	@$(INSTALL) --stamp $@ --groups dev

# Installers say nothing of files that are as large as this one for minutes.
.venv/.extras/%: | .venv/.installed
	@echo "make spark-setup: adding the packages of the extra $*" >&2
	@$(INSTALL) --stamp $@ --extras $*

## spark-setup: add what the dbt target spark needs, which `make setup` leaves out; THRIFT=1 to ask a Spark server, too
.PHONY: spark-setup
spark-setup: ready .venv/.extras/spark $(if $(THRIFT),.venv/.extras/spark-thrift)
	@python -m warehouse.spark.java

## demo: load two months of sample files, build and test everything, publish it, and show what came of it
.PHONY: demo
demo: ready
	@$(NYC) sandbox run --port $(PORT) --from $(FROM) --to $(TO) --rows $(ROWS) -- \
		$(MAKE) --no-print-directory line
	@echo
	@echo "Try next:"
	@echo "  . .venv/bin/activate"
	@echo "  dagster dev -w orchestration/workspace.yaml                # then open http://localhost:3000"
	@echo "  rm data/nyc_mobility.duckdb && nyc load --year 2025 --months 1   # real files"

# Load, build, check, publish and show, from whichever publishers are configured.
.PHONY: line
line:
	@$(NYC) load --from $(FROM) --to $(TO)
	@# The polygons for the map. A mirror of the trip data may not have them, and then there is no map.
	@$(NYC) load --sources taxi_zones || [ $$? -eq 3 ]
	@$(NYC) build
	@$(NYC) check --no-docs
	@$(NYC) publish
	@$(NYC) summary

## init-data-layers: load telemetry, or a sample of it, publish it, and write the layers; ARGS=… says what to build
.PHONY: init-data-layers
init-data-layers: ready
	@$(NYC) layers --wait 60
	@$(NYC) sandbox events --unless-set $(EVENT_FILES) -- $(MAKE) --no-print-directory layers-line

.PHONY: layers-line
layers-line:
	@$(NYC) load --sources telemetry --from $(EVENTS_FROM) --to $$(date -u +%Y-%m)
	@$(NYC) build $(ARGS)
	@$(NYC) check --no-docs
	@$(NYC) publish
	@$(NYC) export --format delta --layers
	@$(NYC) layers

## verify-data-layers: say whether every table of every layer is there, and opens; ends with 2 if one is not well
.PHONY: verify-data-layers
verify-data-layers: ready
	@$(NYC) layers $(ARGS)

## summary: trips by month and trip type, and where each published row is; ARGS=--live for what is not published yet
.PHONY: summary
summary: ready
	$(call report,$(NYC) summary $(ARGS))

## compact: give free space of the DuckDB file back to the disk, if there is much; ARGS=--dry-run says how much
.PHONY: compact
compact: ready
	@$(NYC) compact $(ARGS)

## maintain: give back what nobody needs any more; ARGS=--dry-run says what that is
.PHONY: maintain
maintain: ready
	@$(NYC) maintain $(ARGS)

## metrics: the governed metrics by category
.PHONY: metrics
metrics: ready
	@$(NYC) metrics list $(ARGS)

## metric: one metric's definition, words, formula, dimensions and SQL: M=avg_fare
.PHONY: metric
metric: ready
	@$(NYC) metrics describe "$$M" $(ARGS)

## dimensions: what metrics can be grouped and filtered by: M=avg_fare
.PHONY: dimensions
dimensions: ready
	@$(NYC) metrics dimensions "$$M" $(ARGS)

# Variables given to make are in the environment of its commands, with their quotes.
## query: metrics, M=avg_fare BY=trip__trip_type,metric_time__month WHERE=… START=2025-01-01 END=… ORDER=-avg_fare LIMIT=5, or SAVED=top_zones
.PHONY: query
query: ready
	@$(NYC) query "$$M" --by "$$BY" --where "$$WHERE" --start "$$START" --end "$$END" \
		--order="$$ORDER" --limit "$$LIMIT" --saved "$$SAVED" $(ARGS)

## gaps: which months are loaded, missing, replaced, not published or thin; ARGS=--fill loads them
.PHONY: gaps
gaps: ready
	$(call report,$(NYC) gaps $(ARGS))

## quality: check the data with Great Expectations; ARGS="--select fct_trips" for a part
.PHONY: quality
quality: ready
	$(call report,$(NYC) check $(ARGS))

## quality-docs: open the report of the last `make quality` as HTML
.PHONY: quality-docs
quality-docs: ready
	@$(RUN) python -m quality.open_docs

## quarantine: rejected rows by feed, month and reason
.PHONY: quarantine
quarantine: ready
	$(call report,$(NYC) quarantine $(ARGS))

## health: the last result of every check of dbt, Great Expectations and Dagster
.PHONY: health
health: ready
	$(call report,$(NYC) health $(ARGS))

## portal: look at what is published, in a browser: http://localhost:8501; ARGS="--port 8600" for another port
.PHONY: portal
portal: ready
	@$(NYC) portal $(ARGS)

## photographs: take the README's pictures of the portal anew, from sample data; needs Chromium
.PHONY: photographs
photographs: setup
	pytest tests/portal/browser/photographs.py

## docs: the dbt project's documentation as one page, dbt/target/static_index.html
.PHONY: docs
docs: ready
	@cd dbt && $(RUN) dbt docs generate --static
	@echo "open $(CURDIR)/dbt/target/static_index.html"

## site: the documentation as a site, site/index.html; needs no network
.PHONY: site
site: setup
	@NO_MKDOCS_2_WARNING=1 mkdocs build --quiet
	@echo "open $(CURDIR)/site/index.html"

## site-serve: the same on http://localhost:8000, where alerts link to; made anew when a page of docs/ changes
.PHONY: site-serve
site-serve: setup
	@NO_MKDOCS_2_WARNING=1 mkdocs serve --quiet

## dev: Dagster on http://localhost:3000
.PHONY: dev
dev: ready
	@$(RUN) dagster dev -w orchestration/workspace.yaml

## lint: style, types and SQL style
.PHONY: lint
lint: setup
	ruff format --check .
	ruff check .
	mypy
	sqlfluff lint --processes 2 dbt

## format: put Python and SQL into the project's style
.PHONY: format
format: setup
	ruff format .
	ruff check --fix .
	sqlfluff fix dbt

## test: lint, a dbt build on sample files in a temporary database, and all tests
.PHONY: test
test: setup
	@# Side by side: neither keeps two cores busy.
	@$(MAKE) --no-print-directory lint & lint=$$!; \
		$(MAKE) --no-print-directory test-line; line=$$?; wait $$lint && exit $$line
	@# Without reordering: a file of few slow tests must not come last.
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-line
test-line: ready
	@# A release is read-only, folders included.
	@folder=$$(mktemp -d) && trap 'chmod -R u+w "$$folder"; rm -rf "$$folder"' EXIT && \
	DUCKDB_DATABASE_PATH="$$folder/test.duckdb" DBT_TARGET_PATH="$$folder/target" \
		$(NYC) sandbox run --port 0 --from $(FROM) --to $(TO) --rows 20000 -- \
		$(MAKE) --no-print-directory line

## test-part: only these tests, as CI's jobs do: TESTS="tests/dbt tests/cli"
.PHONY: test-part
test-part: setup
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(TESTS)

## test-quick: what is tested soonest of every area, in a minute or so; tests/times.py says which files these are
.PHONY: test-quick
test-quick: setup
	@files=$$(python -m tests.times) && pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $$files

## ci-slim: build and test what changed since the current release; where there is none, everything on sample files
.PHONY: ci-slim
ci-slim: ready
	@$(NYC) slim || { status=$$?; test $$status -eq 3 || exit $$status; \
		echo "make ci-slim: everything is built, on sample files, because of what it says above"; \
		$(MAKE) --no-print-directory test-line; }

## fuzz: bad files and answers from a seed, FUZZ_SECONDS=1800 FUZZ_SEED=7 for more
.PHONY: fuzz
fuzz: setup
	pytest tests/fuzz --numprocesses 2 --dist loadfile

## bench: every stage against the shortest SQL that does the same, SCALE=32000000 trips; ARGS="--runs 1" for less
.PHONY: bench
bench: setup
	@$(RUN) python -m benchmarks --trips $(SCALE) $(ARGS)

## bench-ingest: the part of it that loads files
.PHONY: bench-ingest
bench-ingest: setup
	@$(RUN) python -m benchmarks ingest --trips $(SCALE) $(ARGS)

## bench-build: the part of it that builds the facts
.PHONY: bench-build
bench-build: setup
	@$(RUN) python -m benchmarks build --trips $(SCALE) $(ARGS)

## bench-portal: how long pages of the portal take when five people look at once, and the memory of its server
.PHONY: bench-portal
bench-portal: setup
	@$(RUN) python -m benchmarks.portal --trips $(SCALE) $(ARGS)

## bench-metrics: each metric by month and trip type, on the current release; ARGS=--live on the working file
.PHONY: bench-metrics
bench-metrics: setup
	@$(RUN) python -m benchmarks.metrics $(ARGS)

## peers-setup: what the peers of the benchmark need, in an environment of their own
.PHONY: peers-setup
peers-setup: .venv-peers/.installed

.venv-peers/.installed: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt
	touch $@

## bench-peers: the platform beside Polars, pandas, chDB, Spark, SQLMesh and dbt's microbatch; SCALE and ARGS as of bench
.PHONY: bench-peers
bench-peers: setup peers-setup
	@$(RUN) python -m benchmarks.peers --trips $(SCALE) $(ARGS)

## clean: remove the environment and what the tools keep; data stays
.PHONY: clean
clean:
	rm -rf .venv .venv-peers .poetry dbt/target .mypy_cache .pytest_cache .ruff_cache .hypothesis
