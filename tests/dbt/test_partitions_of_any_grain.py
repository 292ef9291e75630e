"""The materialization replace_partitions in a project of its own: months, days, hours, wrong configuration."""

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.dbt.small_warehouse import DBT_DIRECTORY, Warehouse
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger

_TOTAL = "select count(*), sum(amount) from core.daily"

PROJECT = """
name: toys
version: "1.0"
profile: nyc_mobility
macro-paths: [macros]
"""

FEED = "{'field': 'feed', 'data_type': 'varchar'}"
TIMES = {
    "monthly": "{'field': 'sold_month', 'data_type': 'date', 'granularity': 'month'}",
    "daily": "{'field': 'source_date', 'data_type': 'date', 'granularity': 'day'}",
    "hourly": "{'field': 'sold_hour', 'data_type': 'timestamp', 'granularity': 'hour'}",
}
COLUMNS = {"monthly": "sold_month", "daily": "feed, source_date", "hourly": "sold_hour"}

MODEL = """
{{{{ config(materialized='replace_partitions', {config}) }}}}
{{%- set expected %}}
    select {columns}, max(version) as version, 'a load' as load_id, count(*) as row_count
    from raw.sales
    group by {columns}
{{%- endset %}}
{{%- set partitions = partitions_to_build(expected) %}}
with sales as ({{{{ rows_of_partitions('raw.sales', partitions) }}}})
select {columns}, min(sold_at) as first_sold_at, sum(amount) as amount from sales group by {columns}
"""

# What is wrong in the configuration of a model, and what dbt says.
WRONG = {
    "none": ("event_time='sold_at'", "partition_by to be a list of fields"),
    "text": ("partition_by='source_date', event_time='sold_at'", "got source_date"),
    "no_time": (f"partition_by=[{FEED}], event_time='sold_at'", "one field with a granularity"),
    "two_times": (
        f"partition_by=[{TIMES['daily']}, {TIMES['monthly']}], event_time='sold_at'",
        "one field with a granularity and at most one without",
    ),
    "no_type": ("partition_by=[{'field': 'feed'}], event_time='sold_at'", "fields with 'field' and 'data_type'"),
    "slip": (
        "partition_by=[{'field': 'source_date', 'data_type': 'date', 'granulrity': 'day'}], event_time='sold_at'",
        "got granulrity",
    ),
    "week": (
        "partition_by=[{'field': 'source_date', 'data_type': 'date', 'granularity': 'week'}], event_time='sold_at'",
        "the granularity month, day, hour, got week",
    ),
    "hour_of_a_date": (
        "partition_by=[{'field': 'source_date', 'data_type': 'date', 'granularity': 'hour'}], event_time='sold_at'",
        "data_type timestamp of a field by hour",
    ),
    "injected": (
        "partition_by=[{'field': 'a; drop table x', 'data_type': 'date', 'granularity': 'day'}], event_time='sold_at'",
        "the name of a column, got a; drop table x",
    ),
    "no_event_time": (f"partition_by=[{TIMES['daily']}]", "event_time to be the name of the column"),
    "batch_of_text": (
        f"partition_by=[{FEED}, {TIMES['daily']}], event_time='sold_at', batch_rows='many'",
        "batch_rows to be a whole number of rows, 0 for one period at a time, got many",
    ),
}


def _write_model(project: Path, name: str, config: str, columns: str) -> None:
    (project / "models" / f"{name}.sql").write_text(MODEL.format(config=config, columns=columns))


def _start_project(project: Path) -> None:
    """A project that has no more than the package, and the macros that it calls."""
    for folder in ("replace_partitions", "ledger", "engine"):
        shutil.copytree(DBT_DIRECTORY / "macros" / folder, project / "macros" / folder)
    (project / "models").mkdir()
    (project / "dbt_project.yml").write_text(PROJECT)


@pytest.fixture(scope="module")
def _project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("toys")
    _start_project(project)
    for name, time in TIMES.items():
        fields = f"{FEED}, {time}" if name == "daily" else time
        _write_model(project, name, f"partition_by=[{fields}], event_time='first_sold_at'", COLUMNS[name])
    return project


@pytest.fixture(scope="module")
def _manifest(_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    scratch = tmp_path_factory.mktemp("parsed")
    parsed = Warehouse(scratch / "nyc_mobility.duckdb", scratch, project=_project).dbt("parse").result
    assert isinstance(parsed, Manifest)
    return parsed


@pytest.fixture
def toys(_project: Path, _manifest: Manifest, database: Path) -> Warehouse:
    """Sales of two shops, one an hour, from May 1 to June 3, built by month, day and hour."""
    warehouse = Warehouse(database, database.parent, _manifest, project=_project)
    with open_for_writing() as connection:
        Ledger(connection)
        connection.execute(
            """
            create schema raw;
            create table raw.sales as
            select feed, sold_at, 1 as amount, '1' as version, sold_at::date as source_date,
                date_trunc('month', sold_at)::date as sold_month, date_trunc('hour', sold_at) as sold_hour
            from (values ('east'), ('west')) as feeds (feed),
                generate_series(timestamp '2025-05-01 00:30', timestamp '2025-06-04', interval 1 hour) as t (sold_at)
            """
        )
    warehouse.build()
    return warehouse


def test_days_hours_and_months_that_changed_are_replaced_and_no_others(toys: Warehouse) -> None:
    toys.build()
    assert [toys.rebuilt(model) for model in TIMES] == [set(), set(), set()]

    toys.execute(
        "update raw.sales set version = '2', amount = 5 where feed = 'west' and sold_hour = '2025-05-10 04:00:00'"
    )
    toys.build()
    assert toys.rebuilt("monthly") == {"2025-05"}
    assert toys.rebuilt("daily") == {"west/2025-05-10"}
    assert toys.rebuilt("hourly") == {"2025-05-10T04"}
    assert toys.execute(_TOTAL) == [(68, 1636)]
    columns = "feed, grain, period_start, period_end, version, load_id, rows, min_event_time"
    marks = toys.execute(f"select {columns} from meta.asset_watermarks where partition_key = 'west/2025-05-10'")
    day = (datetime(2025, 5, 10), datetime(2025, 5, 11))
    assert marks == [("west", "day", *day, "2", "a load", 1, datetime(2025, 5, 10, 0, 30))]

    incremental = {model: toys.execute(f"from core.{model} order by all") for model in TIMES}
    toys.build("--full-refresh")
    assert {model: toys.execute(f"from core.{model} order by all") for model in TIMES} == incremental


def test_a_backfill_from_the_10th_to_the_20th_builds_these_days_and_the_months_that_have_them(toys: Warehouse) -> None:
    window = {"backfill_start_date": "2025-05-10", "backfill_end_date": "2025-05-20"}
    toys.build("--vars", json.dumps(window))
    days = [f"2025-05-{day}" for day in range(10, 21)]
    assert toys.rebuilt("daily") == {f"{feed}/{day}" for feed in ("east", "west") for day in days}
    assert toys.rebuilt("monthly") == {"2025-05"}
    assert toys.rebuilt("hourly") == {f"{day}T{hour:02}" for day in days for hour in range(24)}
    toys.build("--vars", json.dumps({"backfill_start_date": "2025-06-03"}))
    assert toys.rebuilt("daily") == {"east/2025-06-03", "west/2025-06-03"}
    assert toys.rebuilt("monthly") == {"2025-06"}


def test_a_day_that_is_gone_and_one_that_is_empty(toys: Warehouse) -> None:
    toys.execute("delete from raw.sales where source_date = '2025-05-10' and feed = 'west'")
    toys.build("--select", "daily")
    assert toys.rebuilt("daily") == {"west/2025-05-10"}
    assert toys.execute("select feed from core.daily where source_date = '2025-05-10'") == [("east",)]
    assert toys.execute("from meta.asset_watermarks where partition_key = 'west/2025-05-10'") == []


def test_an_empty_run_leaves_the_tables_as_they_are(toys: Warehouse) -> None:
    before = toys.execute("from core.daily order by all"), toys.execute("from meta.asset_watermarks order by all")
    toys.execute("update raw.sales set version = '2'")
    toys.build("--empty")
    assert (
        toys.execute("from core.daily order by all"),
        toys.execute("from meta.asset_watermarks order by all"),
    ) == before
    toys.execute("drop table core.hourly")
    toys.build("--empty", "--select", "hourly")
    assert toys.execute("select count(*) from core.hourly") == [(0,)]
    toys.build("--select", "hourly")
    assert toys.execute("select count(*) from core.hourly") == [(816,)]


def test_a_query_with_other_columns_than_the_table_says_what_to_do(toys: Warehouse) -> None:
    toys.execute("alter table core.daily drop column amount")
    assert not toys.dbt("run", "--select", "daily").success
    said = "\n".join(toys.said)
    assert "amount (missing in the table, hugeint in the query)" in said
    assert "dbt build --full-refresh --select daily+" in said
    toys.build("--select", "daily", "--full-refresh")
    assert toys.execute(_TOTAL) == [(68, 1632)]


def test_a_wrong_configuration_names_the_key_and_what_was_expected(database: Path) -> None:
    project = database.parent / "wrong"
    _start_project(project)
    for name, (config, _) in WRONG.items():
        _write_model(project, name, config, "feed, source_date")
    with open_for_writing() as connection:
        Ledger(connection)
        connection.execute("create schema raw; create table raw.sales (feed text, source_date date, version text)")
    done = Warehouse(database, database.parent, project=project).dbt("run")
    messages = {result.node.name: str(result.message) for result in done.result.results}  # type: ignore[union-attr]
    assert messages.keys() == WRONG.keys()
    for name, (_, message) in WRONG.items():
        assert message in messages[name], messages[name]
        assert f"{name}: expected the configuration" in messages[name]
        assert len(messages[name]) < 900


def test_the_marts_of_a_new_subject_go_into_a_schema_of_its_name(database: Path) -> None:
    project = database.parent / "new"
    _start_project(project)
    shutil.copy(DBT_DIRECTORY / "macros" / "generate_schema_name.sql", project / "macros")
    for folder in ("marts/toys", "marts/games/chess", "staging/toys"):
        (project / "models" / folder).mkdir(parents=True)
        (project / "models" / folder / f"{folder.replace('/', '_')}.sql").write_text("select 1 as one")
    manifest = Warehouse(database, database.parent, project=project).dbt("parse").result
    assert isinstance(manifest, Manifest)
    schemas = {node.name: node.schema for node in manifest.nodes.values()}
    assert schemas == {"marts_toys": "core_toys", "marts_games_chess": "core_games", "staging_toys": "core"}
