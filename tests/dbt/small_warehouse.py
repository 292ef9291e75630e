"""A small warehouse filled by hand, and dbt run on it in this process."""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from ingestion.catalog import FEEDS, raw_tables
from warehouse.dbt_starts import Listener
from warehouse.ledger import Fingerprint, Ledger, Watermark
from warehouse.paths import PROJECT_ROOT

DBT_DIRECTORY = Path(__file__).parents[2] / "dbt"
# What dbt keeps in its target folder of a project that it has parsed.
PARTIAL_PARSE = "partial_parse.msgpack"
MANIFEST = "manifest.json"
# As the worker beside this one, or the last run of pytest, has left it. dbt parses again what has changed since.
_PARSED_BEFORE = PROJECT_ROOT / ".pytest_cache" / "d" / "dbt" / PARTIAL_PARSE

# The models of other subjects, for tests of months: two thirds of all.
OTHER_SUBJECTS = ("path:models/*/markets", "path:models/*/telemetry")
# Half of what is left. They are the same whatever is loaded.
VIEWS = "config.materialized:view"
# What is no fact of months, and what no fact reads but for the hours of a day, which never change.
BESIDE_FACTS = ("dim_*", "metricflow_time_spine*", "fct_weather_effect", "int_zone_shapes")

JANUARY, FEBRUARY, MARCH, APRIL, JULY = (date(2025, month, 1) for month in (1, 2, 3, 4, 7))

Trip = Mapping[str, object]


@dataclass
class Warehouse:
    """A DuckDB file with the raw tables of the registry, and the dbt project to build on it.

    `said` is what dbt said in the last call.
    """

    path: Path
    scratch: Path
    manifest: Manifest | None = None
    project: Path = DBT_DIRECTORY
    said: list[str] = field(default_factory=list)
    # What `build` leaves as it is, as dbt's `--exclude` has it: a subject of which a test says nothing.
    left_out: tuple[str, ...] = ()
    _loads: int = field(default=0)

    @property
    def base(self) -> Path:
        """Where the warehouse is kept as it was built before the first test."""
        return self.path.with_name("base.duckdb")

    def restore(self) -> None:
        """Put the base back."""
        self.path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        shutil.copy(self.base, self.path)

    def execute(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def create_raw_tables(self) -> None:
        self.execute("create schema if not exists raw_data")
        for table, columns in raw_tables().items():
            definitions = ", ".join(f"{column.name} {column.type}" for column in columns)
            self.execute(f"create table if not exists raw_data.{table} ({definitions}, _dlt_load_id varchar)")

    def load(self, feed: str, first_day: date, rows: Sequence[Trip]) -> None:
        """Replace a partition, as the loader does: all of its rows, under a new load id."""
        table, period = f"raw_data.{FEEDS[feed].raw_table}", FEEDS[feed].grain.column
        self._loads += 1
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(f"delete from {table} where feed = ? and {period} = ?", [feed, first_day])
            for source_row, row in enumerate(rows):
                values = {
                    "feed": feed,
                    period: first_day,
                    "source_row": source_row,
                    "_dlt_load_id": f"load_{self._loads}",
                    **row,
                }
                marks = ", ".join("?" for _ in values)
                connection.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", [*values.values()])
        self.record(feed, first_day)

    def load_query(self, feed: str, first_day: date, query: str) -> None:
        """Replace a partition by the rows of a query, for more of them than one writes out; `source_row` is its own."""
        table, period = f"raw_data.{FEEDS[feed].raw_table}", FEEDS[feed].grain.column
        self._loads += 1
        self.execute(
            f"""
            delete from {table} where feed = '{feed}' and {period} = timestamp '{first_day}';
            insert into {table} by name
            select *, '{feed}' as feed, timestamp '{first_day}' as {period}, 'load_{self._loads}' as _dlt_load_id
            from ({query})
            """
        )
        self.record(feed, first_day)

    def load_weather(self, month: date, temperature: float = 10.0) -> None:
        """A month of weather as published: in UTC, to the day after the last."""
        self._loads += 1
        self.execute(
            f"""
            delete from raw_data.weather_hourly where source_month = date '{month}';
            insert into raw_data.weather_hourly
                (time, temperature_2m, precipitation, rain, snowfall, wind_speed_10m, cloud_cover,
                 feed, source_month, source_row, _dlt_load_id)
            select hour, {temperature}, 0, 0, 0, 1, 0, 'weather', date '{month}', 0, 'load_{self._loads}'
            from (select unnest(generate_series(
                timestamp '{month}', timestamp '{month}' + interval 1 month + interval 23 hour, interval 1 hour
            )) as hour)
            """
        )
        self.record("weather", month)

    def unload(self, feed: str, first_day: date) -> None:
        """Take a partition out of raw data and the ledger."""
        period, key = FEEDS[feed].grain.column, FEEDS[feed].period_of(first_day).key
        self.execute(
            f"delete from raw_data.{FEEDS[feed].raw_table} where feed = '{feed}' and {period} = timestamp '{first_day}'"
        )
        self.execute(f"delete from meta.asset_watermarks where asset = '{feed}' and partition_key = '{key}'")

    def record(self, feed: str, first_day: date) -> None:
        """Write the partition's watermark, as the loader does."""
        with duckdb.connect(str(self.path)) as connection:
            ((rows,),) = connection.execute(
                f"select count(*) from raw_data.{FEEDS[feed].raw_table}"
                f" where feed = ? and {FEEDS[feed].grain.column} = ?",
                [feed, first_day],
            ).fetchall()
            watermark = Watermark(f"load_{self._loads}", rows, None, None, Fingerprint("by hand"))
            Ledger(connection).set_watermark(feed, FEEDS[feed].period_of(first_day).key, watermark)

    def dbt(self, *arguments: str) -> dbtRunnerResult:
        profiles = self.project if (self.project / "profiles.yml").exists() else DBT_DIRECTORY
        paths = ["--project-dir", str(self.project), "--profiles-dir", str(profiles)]
        target = self.scratch / "target"
        outputs = ["--target-path", str(target), "--log-path", str(self.scratch / "logs"), "--log-level-file", "none"]
        if self.manifest and (target / MANIFEST).exists():
            # It says the same again, and takes as long to write as a small model to build.
            outputs.append("--no-write-json")
        self.said = []
        try:
            listeners: list[Callable[[Any], None]] = [self.listener()]
            return dbtRunner(manifest=self.manifest, callbacks=listeners).invoke(
                [*arguments, *paths, *outputs, "--quiet"]
            )
        finally:
            # dbt keeps the file open for the next call in the same process, which here looks into the file itself.
            reset_adapters()  # type: ignore[no-untyped-call]
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]

    def listener(self) -> Callable[[Any], None]:
        """What dbt tells its events to."""
        return Listener(lambda event: self.said.append(event.info.msg))

    def build(self, *arguments: str) -> None:
        """What `dbt run` does, without the tests."""
        assert self.dbt("run", *arguments, *self.exclusion).success, self.said

    @property
    def exclusion(self) -> tuple[str, ...]:
        """The arguments by which dbt leaves out what `build` does."""
        return ("--exclude", *self.left_out) if self.left_out else ()

    def compiled(self, model: str) -> str:
        return next((self.scratch / "target" / "compiled").rglob(f"{model}.sql")).read_text()

    def sql_run(self, model: str) -> str:
        """What was sent to DuckDB to build the model."""
        return next((self.scratch / "target" / "run").rglob(f"{model}.sql")).read_text()

    def rebuilt(self, model: str) -> set[str]:
        """The keys of the partitions that the last run replaced in a model, gone ones included."""
        sql = self.sql_run(model)
        assert "drop table" not in sql, f"{model} was built whole"
        keys = re.search(r"partition_key in \((.*?)\)", sql)
        return set(re.findall("'(.*?)'", keys[1])) if keys else set()

    def contents(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of the facts, sorted."""
        facts = ("fct_trips", "quarantined_trips", "fct_hourly_mobility")
        return {fact: self.execute(f"select * from core_core.{fact} order by all") for fact in facts}


@cache
def _parsed() -> tuple[Manifest, bytes]:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        warehouse = Warehouse(Path(folder) / "nyc_mobility.duckdb", Path(folder))
        patch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
        parsed_here = Path(folder) / "target" / PARTIAL_PARSE
        parsed_here.parent.mkdir()
        if _PARSED_BEFORE.exists():
            shutil.copy(_PARSED_BEFORE, parsed_here)
        parsed = warehouse.dbt("parse", "--no-write-json")
        assert isinstance(parsed.result, Manifest), warehouse.said
        content = parsed_here.read_bytes()
        _keep_for_others(content)
        return parsed.result, content


def _keep_for_others(content: bytes) -> None:
    if _PARSED_BEFORE.exists() and _PARSED_BEFORE.read_bytes() == content:
        return
    _PARSED_BEFORE.parent.mkdir(parents=True, exist_ok=True)
    # Another worker may read it now.
    written = _PARSED_BEFORE.with_suffix(f".{os.getpid()}")
    written.write_bytes(content)
    written.replace(_PARSED_BEFORE)


def parsed_project() -> Manifest:
    """The project, read once in this process, and parsed once in a checkout: that takes longer than a small build.

    It is the same for every DuckDB file. dbt writes it into the target folder when it builds with it.
    """
    return _parsed()[0]


def keep_parsed_project(target: Path) -> None:
    """Put the same into a target folder as dbt keeps it, for dbt in another process or in a copy of the project."""
    target.mkdir(parents=True, exist_ok=True)
    (target / PARTIAL_PARSE).write_bytes(_parsed()[1])


def trip(pickup: str, dropoff: str, **columns: object) -> Trip:
    return {"tpep_pickup_datetime": pickup, "tpep_dropoff_datetime": dropoff, "pu_location_id": 132, **columns}


def ride(ride_id: str, started_at: str, ended_at: str) -> Trip:
    return {"ride_id": ride_id, "started_at": started_at, "ended_at": ended_at}


def yellow_month(month: date, total: float = 20.0) -> list[Trip]:
    """Two trips within the month, one that began the evening before, and one that cannot be a trip."""
    stamp = f"{month:%Y-%m}"
    evening_before = date.fromordinal(month.toordinal() - 1)
    return [
        trip(f"{stamp}-10 08:00:00", f"{stamp}-10 08:30:00", trip_distance=3, total_amount=total, passenger_count=1),
        trip(f"{stamp}-10 08:10:00", f"{stamp}-10 08:20:00", trip_distance=1, total_amount=12.5),
        trip(f"{evening_before} 23:50:00", f"{stamp}-01 00:10:00", trip_distance=2, total_amount=15),
        trip(f"{stamp}-11 08:00:00", f"{stamp}-11 07:00:00", trip_distance=1, total_amount=9),
    ]


def citibike_month(month: date) -> list[Trip]:
    stamp = f"{month:%Y-%m}"
    return [
        ride("A", f"{stamp}-10 08:00:00", f"{stamp}-10 08:10:00"),
        ride("B", f"{stamp}-12 18:00:00", f"{stamp}-12 18:20:00"),
    ]
