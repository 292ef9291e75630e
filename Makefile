# Everything runs through make, on a machine that has Python 3.11 to 3.13 and a package index and nothing else.

PYTHON ?= python3
POETRY_VERSION := 2.5.1
POETRY_EXPORT_VERSION := 1.10.1

BIN := $(CURDIR)/.venv/bin
POETRY := .poetry/bin/poetry
export PATH := $(BIN):$(PATH)

# Settings in .env hold for every command, read as dagster reads them: make itself would take `$$` and `#` in a
# password for its own. What is set in the environment comes before them.
RUN := dotenv --file "$(CURDIR)/.env" run --no-override --

# A report ends with status 3 where something is missing, which is no failure of make, and with 1 where something failed,
# which is. `| head` closes the pipe of one that is longer: 141.
define report
@$(RUN) $(1) || case $$? in \
	3) echo "make $@: something is not there yet, as it says above" >&2 ;; \
	141) ;; \
	1) echo "make $@: something failed, as it says above" >&2; exit 1 ;; \
	*) exit 2 ;; \
esac
endef

# The sample publisher: its port, its months, and the rows of yellow taxi a month (other feeds in proportion).
PORT ?= 8900
FROM ?= 2025-01
TO ?= 2025-02
ROWS ?= 50000

# The benchmark: trips in all, over 24 months.
SCALE ?= 32000000

.DEFAULT_GOAL := help

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk -F': ' '{printf "make %-13s %s\n", $$1, $$2}'
	@echo "A report in which something is missing says so and ends well; one in which something failed ends with status 2."

## setup: create .venv with the locked packages, and .env
.PHONY: setup
setup: .venv/.installed
	@# Two at once must not see each other's half of a file: each writes one of its own, and renames it.
	@test -f .env || { new=$$(mktemp .env.XXXXXX) && cp .env.example "$$new" && mv -n "$$new" .env; rm -f "$$new"; }
	@home='$(CURDIR)/orchestration'; test "$$(dotenv --file .env get DAGSTER_HOME 2>/dev/null)" = "$$home" || \
		dotenv --file .env set DAGSTER_HOME "$$home" > /dev/null

# Poetry's own installer wants an index with the JSON API, which company mirrors often lack; pip does not.
# So Poetry only reads the lock, and pip installs exactly what is locked.
.venv/.installed: pyproject.toml poetry.lock | $(POETRY)
	$(PYTHON) -m venv .venv
	$(POETRY) export --quiet --extras orchestrator --with dev --output .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r .venv/requirements.txt
	$(POETRY) install --quiet --only-root
	ln -sf ../../$(POETRY) .venv/bin/poetry
	touch $@

$(POETRY):
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(None if ok else f"$(PYTHON) is Python {sys.version.split()[0]}; 3.11, 3.12 or 3.13 is needed: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .poetry
	.poetry/bin/python -m pip install --quiet --disable-pip-version-check poetry==$(POETRY_VERSION) poetry-plugin-export==$(POETRY_EXPORT_VERSION)

## demo: load two months of sample files, build and test everything, and show what came of it
.PHONY: demo
demo: setup
	@$(RUN) python -m sandbox run --port $(PORT) --from $(FROM) --to $(TO) --rows $(ROWS) -- \
		$(MAKE) --no-print-directory line
	@echo
	@echo "Try next:"
	@echo "  . .venv/bin/activate"
	@echo "  dagster dev -w orchestration/workspace.yaml                # then open http://localhost:3000"
	@echo "  rm data/nyc_mobility.duckdb && python ingestion/run_pipeline.py --year 2025 --months 1   # real files"

# From published files to queried facts: what everyone runs, against whichever publishers are configured.
.PHONY: line
line:
	@$(RUN) python ingestion/run_pipeline.py --from $(FROM) --to $(TO)
	@cd dbt && $(RUN) dbt build
	@$(RUN) python -m warehouse.summary

## summary: trips by month and trip type, and where each published row is
.PHONY: summary
summary: setup
	$(call report,python -m warehouse.summary)

## compact: give free space of the DuckDB file back to the disk, if there is much; ARGS=--dry-run says how much
.PHONY: compact
compact: setup
	@$(RUN) python -m warehouse.compact $(ARGS)

## metrics: the governed metrics by category
.PHONY: metrics
metrics: setup
	@$(RUN) python -m metrics.ask list

## metric: one metric's definition, words, formula, dimensions and SQL: M=avg_fare
.PHONY: metric
metric: setup
	@$(RUN) python -m metrics.ask describe "$$M"

## dimensions: what metrics can be grouped and filtered by: M=avg_fare
.PHONY: dimensions
dimensions: setup
	@$(RUN) python -m metrics.ask dimensions "$$M"

# What is given to make on the command line is in the environment of its commands, quotes and all.
## query: metrics, M=avg_fare BY=trip__trip_type,metric_time__month WHERE=… START=2025-01-01 END=… ORDER=-avg_fare LIMIT=5, or SAVED=top_zones
.PHONY: query
query: setup
	@$(RUN) python -m metrics.ask query "$$M" --by "$$BY" --where "$$WHERE" --start "$$START" --end "$$END" \
		--order="$$ORDER" --limit "$$LIMIT" --saved "$$SAVED" $(ARGS)

## gaps: which months are loaded, missing, replaced, not published or thin; ARGS=--fill loads them
.PHONY: gaps
gaps: setup
	$(call report,python -m ingestion.gaps $(ARGS))

## quality: check the data with Great Expectations; ARGS="--select fct_trips" for a part
.PHONY: quality
quality: setup
	$(call report,python -m quality.run $(ARGS))

## quality-docs: open what the last `make quality` saw, as HTML
.PHONY: quality-docs
quality-docs: setup
	@$(RUN) python -m quality.open_docs

## quarantine: rows that cannot be a trip, by feed, month and reason
.PHONY: quarantine
quarantine: setup
	$(call report,python -m quality.quarantine)

## health: the last result of every check of dbt, Great Expectations and Dagster
.PHONY: health
health: setup
	$(call report,python -m quality.health)

## docs: the dbt project's documentation as one page, dbt/target/static_index.html
.PHONY: docs
docs: setup
	@cd dbt && $(RUN) dbt docs generate --static
	@echo "open $(CURDIR)/dbt/target/static_index.html"

## dev: Dagster on http://localhost:3000
.PHONY: dev
dev: setup
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
test: lint test-line
	@# In their order, not those with the most tests first: a file of few slow tests must not come last.
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-line
test-line: setup
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	DUCKDB_DATABASE_PATH="$$folder/test.duckdb" DBT_TARGET_PATH="$$folder/target" \
		$(RUN) python -m sandbox run --port 0 --from $(FROM) --to $(TO) --rows 20000 -- \
		$(MAKE) --no-print-directory line

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

## bench-metrics: each metric by month and trip type, on the warehouse that is there
.PHONY: bench-metrics
bench-metrics: setup
	@$(RUN) python -m benchmarks.metrics $(ARGS)

## clean: remove the environment and what the tools keep; data stays
.PHONY: clean
clean:
	rm -rf .venv .poetry dbt/target .mypy_cache .pytest_cache .ruff_cache .hypothesis
