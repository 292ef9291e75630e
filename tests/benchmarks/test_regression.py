"""The line stays near its floor, and what a month makes DuckDB scan does not grow with history.

Scans are counted in rows, so a busy machine changes nothing. The floor is compared in CPU seconds, and with wide
bounds, for of so few rows what a run takes anyway is much.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.environments import local

from benchmarks.floor.__main__ import run as run_floor
from benchmarks.floor.statements import FACTS
from benchmarks.ingest import run as measure_load
from benchmarks.samples import months_from
from benchmarks.scans import Scan, main, recorded_scans, rows_by_table
from sandbox.files import write_file
from tests.dbt.small_warehouse import Warehouse, parsed_project

FIRST = date(2024, 1, 1)
SHORT, LONG = 2, 6  # months of history
ROW_GROUP = 122_880
ROWS_A_MONTH = 100_000  # of each feed

ENDED = "began + interval (if(number = 1000, -9, 9)) minute"
COLUMNS = {
    "yellow": f"began as tpep_pickup_datetime, {ENDED} as tpep_dropoff_datetime",
    "citibike": f"began as started_at, {ENDED} as ended_at, 'ride ' || number as ride_id, 'A' as start_station_id",
}

# Read whole in every run, by design: small, however long the history.
READ_WHOLE = {
    "core_core.dim_date": "fct_weather_effect is of all days, a row a date",
    "core_core.dim_time": "a row an hour of the day",
    "core_core.dim_weather": "as dim_date, a row an hour",
    "core_core.fct_hourly_mobility": "as dim_date, a row an hour and trip type",
    "core_staging.int_station_months": "dim_station is of all months, a row a station and month",
    "core_staging.taxi_zone_lookup": "a seed",
    "core_staging.zones_without_shape": "a seed",
    "core_staging.wmo_weather_codes": "a seed",
    "raw_data.weather_hourly": "facts and dim_weather join the hours of all months, 768 rows a month",
}
LEDGER = "meta."  # a row a run, or a month of a feed: what has changed is seen there

# The models of the subject that is loaded here.
OF_TRIPS = "path:models/*/mobility"

# Every other model is rebuilt whole, so scans with nothing to do what it always does.
INCREMENTAL = ("--select", f"config.materialized:replace_partitions,{OF_TRIPS}")

# Tests read all that they are of.
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")

# What says the same as the literals, as one would write it with the ledger's partition keys.
WITHOUT_LITERALS = """
{% macro partitions_condition(partitions) -%}
    {%- set partition_key = replace_partitions_config().fields | map(attribute='field') | join(" || '/' || ") -%}
    {%- if not partitions -%}{{ return('false') }}{%- endif -%}
    {{ partition_key }} in (select {{ partition_key }} from ({{ built_partitions_sql(partitions) }}) as changed)
{%- endmacro %}
"""


@dataclass(frozen=True)
class Histories:
    """Two built databases with a short and a long history, and the place where dbt builds a copy of either."""

    warehouse: Warehouse
    databases: dict[int, Path]

    def start_from(self, months: int) -> None:
        shutil.copyfile(self.databases[months], self.warehouse.path)

    def scans_after(
        self, load: Callable[[int], None], arguments: Sequence[str] = INCREMENTAL
    ) -> tuple[list[Scan], list[Scan]]:
        """What a run scans after a load that knows the months of history: with the short one, and the long one."""
        recorded = []
        for months in self.databases:
            self.start_from(months)
            load(months)
            with recorded_scans() as scans:
                self.warehouse.build(*arguments)
            recorded.append(scans)
        return recorded[0], recorded[1]

    def load_new_month(self, months: int) -> None:
        load_month(self.warehouse, months_from(FIRST, months + 1)[-1])

    def load_first_month_again(self, _months: int) -> None:
        load_month(self.warehouse, FIRST)


def load_month(warehouse: Warehouse, month: date) -> None:
    """A month of each feed, in the order of the pickups: some the evening before, and one trip that cannot be."""
    for feed, columns in COLUMNS.items():
        warehouse.load_query(
            feed,
            month,
            f"""
            select {columns}, number as source_row
            from (
                select number, timestamp '{month}' - interval 9 minute + number * interval 22 second as began
                from range({ROWS_A_MONTH}) as numbers (number)
            )
            """,
        )


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Histories]:
    scratch = tmp_path_factory.mktemp("scans")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    databases = {months: scratch / f"history-{months}.duckdb" for months in (SHORT, LONG)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
        warehouse.create_raw_tables()
        warehouse.load_weather(FIRST)
        loaded = 0
        for months, database in databases.items():
            for month in months_from(FIRST, months)[loaded:]:
                load_month(warehouse, month)
            warehouse.build("--select", f"+config.materialized:replace_partitions,+{OF_TRIPS}")
            shutil.copyfile(warehouse.path, database)
            loaded = months
        yield Histories(warehouse, databases)


def differing(short: list[Scan], long: list[Scan]) -> dict[tuple[str, str], tuple[int, int]]:
    """Rows scanned with either history by node and table, where they differ by more than a row group a scan."""
    rows = [Counter[tuple[str, str]](), Counter[tuple[str, str]]()]
    tolerated = Counter[tuple[str, str]]()
    for counted, scans in zip(rows, (short, long), strict=True):
        for scan in scans:
            counted[scan.node, scan.table] += scan.rows
    for scan in long:
        tolerated[scan.node, scan.table] += ROW_GROUP
    both = {key: (rows[0][key], rows[1][key]) for key in rows[0] | rows[1]}
    return {key: (few, many) for key, (few, many) in both.items() if abs(many - few) > tolerated[key]}


def of_tables_that_grow(scans: list[Scan]) -> list[Scan]:
    return [scan for scan in scans if scan.table not in READ_WHOLE and not scan.table.startswith(LEDGER)]


def test_a_new_month_scans_as_much_with_three_times_the_history(histories: Histories) -> None:
    short, long = histories.scans_after(histories.load_new_month)
    assert differing(short, long) == {}
    scanned = rows_by_table(of_tables_that_grow(long))
    assert set(scanned) == {
        "fct_trips",
        "quarantined_trips",
        "fct_hourly_mobility",
        "int_daily_trips",
        "int_station_months",
    }
    for table in ("yellow_taxi", "citibike_trips"):
        assert scanned["fct_trips"][f"raw_data.{table}"] >= ROWS_A_MONTH


def test_an_old_month_loaded_again_scans_as_much_with_three_times_the_history(histories: Histories) -> None:
    short, long = histories.scans_after(histories.load_first_month_again)
    assert differing(short, long) == {}
    deleted = [scan for scan in long if scan.statement.startswith("delete") and scan.table == "core_core.fct_trips"]
    assert sum(scan.rows for scan in deleted) >= 2 * (ROWS_A_MONTH - 1)


def test_with_nothing_to_do_the_command_says_that_no_trips_are_scanned(
    histories: Histories, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    histories.start_from(LONG)
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", "elsewhere")
    monkeypatch.setenv("DBT_TARGET_PATH", str(histories.warehouse.scratch / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(histories.warehouse.scratch / "logs"))
    command = ["build", *WITHOUT_TESTS, "--select", f"+{OF_TRIPS}"]
    monkeypatch.setattr("sys.argv", ["scans", str(histories.warehouse.path), "--", *command])
    assert main() == 0
    scanned = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"hooks", "dim_weather", "dim_station", "fct_trips"} <= set(scanned)
    tables = {table for tables in scanned.values() for table in tables if not table.startswith(LEDGER)}
    assert tables <= set(READ_WHOLE)


def test_conditions_without_literals_are_seen_to_scan_more_with_history(
    histories: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert histories.warehouse.manifest
    macro = histories.warehouse.manifest.macros["macro.nyc_mobility.partitions_condition"]
    monkeypatch.setattr(macro, "macro_sql", WITHOUT_LITERALS)
    short, long = histories.scans_after(histories.load_new_month, ("--select", "fct_trips"))
    grows = {table for _, table in differing(short, long)}
    # The delete has the same condition; whether DuckDB skips rows for it differs from run to run.
    assert grows - {"core_core.fct_trips"} == {"raw_data.yellow_taxi", "raw_data.citibike_trips"}


def test_the_command_says_why_there_is_nothing_to_tell(
    database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["scans", str(database), "--", "rum"])
    assert main() == 1
    assert "expected `dbt rum` to succeed" in capsys.readouterr().err


def test_every_statement_is_told_of_with_what_it_read() -> None:
    with recorded_scans() as scans:
        cursor_of_dbt: Any = local.DuckDBCursorWrapper
        cursor = cursor_of_dbt(duckdb.connect())
        cursor.execute(
            f"""
            create table numbers as select number from range({3 * ROW_GROUP}) as numbers (number);
            delete from numbers where number < 10;
            select sum(number) from numbers where number > {2 * ROW_GROUP}
            """
        )
        assert cursor.fetchall()
        cursor.execute("select count(*) from numbers")
        assert cursor.fetchall() == [(3 * ROW_GROUP - 10,)]
        cursor.execute("select number from numbers")
        assert len(cursor.fetchall()) == 3 * ROW_GROUP - 10
        cursor.close()
    assert [(scan.statement.split()[0], scan.row_groups, scan.row_groups_there) for scan in scans] == [
        ("delete", 1, 3),
        ("select", 1, 3),
        ("select", 3, 3),
    ]
    assert rows_by_table(scans[2:]) == {"hooks": {"main.numbers": 3 * ROW_GROUP - 10}}


def test_a_full_refresh_stays_near_the_sql_by_hand(histories: Histories) -> None:
    facts = ("--select", *FACTS, "--full-refresh")
    histories.start_from(LONG)
    begun = time.process_time()
    run_floor(str(histories.warehouse.path), FACTS, month=None, memory_limit="2GB")
    floor = time.process_time() - begun
    histories.start_from(LONG)
    begun = time.process_time()
    histories.warehouse.dbt("run", *facts, "--exclude", "fqn:*")
    start = time.process_time() - begun
    begun = time.process_time()
    histories.warehouse.build(*facts)
    whole = time.process_time() - begun
    assert whole - start < 2.5 * floor, "usually 1.3"


def test_a_load_stays_near_reading_the_file(tmp_path: Path) -> None:
    few, many = (
        write_file("yellow", month, tmp_path / f"{month}", rows=rows)
        for month, rows in ((date(2025, 5, 1), 1000), (date(2025, 6, 1), 600_000))
    )
    floor, load = (measure_load(kind, [few, many], "--after-the-first") for kind in ("floor", "load"))
    assert load.cpu < 6 * floor.cpu, "usually 1.5 to 3"
