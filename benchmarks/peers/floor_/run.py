"""A stage of the floor: DuckDB alone, a table a feed, and the SQL of `benchmarks/floor`."""

import sys
from datetime import date
from pathlib import Path
from string import Template

import duckdb

from benchmarks.floor.statements import FACTS, MONTHS, create, replace
from benchmarks.peers.command import Options, main, parts_of
from warehouse.sql import literal

_TABLES = {
    "yellow": "yellow_taxi",
    "fhv": "fhv_taxi",
    "citibike": "citibike_trips",
    "weather": "weather_hourly",
}
_FOLDER = Path(__file__).parent


def connect(options: Options) -> duckdb.DuckDBPyConnection:
    """Open the floor's file in the store."""
    path = options.store / (options.database or "floor.duckdb")
    connection = duckdb.connect(str(path), config={"memory_limit": options.memory_limit})
    connection.execute("set preserve_insertion_order = false")
    return connection


def load(options: Options) -> None:
    """Load the months' files."""
    with connect(options) as connection:
        _load(connection, options)


def _load(connection: duckdb.DuckDBPyConnection, options: Options) -> None:
    connection.execute("create schema if not exists raw_data")
    for feed, select in parts_of(_FOLDER / "load.sql").items():
        for month, files in options.files_of(feed):
            first = f"date '{month}-01'"
            names = {
                "common": f"'{feed}' as feed, {first} as source_month, '' as _dlt_load_id",
                "files": f"[{', '.join(literal(file) for file in files)}]",
            }
            rows, table = Template(select).substitute(names), f"raw_data.{_TABLES[feed]}"
            connection.execute(f"create table if not exists {table} as from ({rows}) limit 0")
            connection.execute("begin")
            connection.execute(f"delete from {table} where source_month = {first}")
            connection.execute(f"insert into {table} by name {rows}")
            connection.execute("commit")


def refresh(options: Options) -> None:
    """Make both facts anew, hours a month at a time."""
    with connect(options) as connection:
        connection.execute("create schema if not exists core_core")
        for fact in FACTS:
            months = connection.execute(MONTHS).fetchall() if fact == "fct_hourly_mobility" else []
            connection.execute(create(fact, [month for (month,) in months]))


def update(options: Options) -> None:
    """Load the months' files, and replace their rows in both facts."""
    with connect(options) as connection:
        _load(connection, options)
        for month in options.months:
            for fact in FACTS:
                connection.execute(replace(fact, date.fromisoformat(f"{month}-01")))


def metric(options: Options) -> None:
    """Answer the metric."""
    _answer(options, parts_of(_FOLDER.parent / "metric.sql"))


def dashboards(options: Options) -> None:
    """Answer the queries of the dashboards."""
    _answer(options, parts_of(_FOLDER.parent / "queries.sql"))


def _answer(options: Options, queries: dict[str, str]) -> None:
    with connect(options) as connection:
        for fact, table in zip(("trips", "hourly"), FACTS, strict=True):
            connection.execute(f"create temp view {fact} as from core_core.{table}")
        for name, query in queries.items():
            options.keep(name, connection.sql(query).to_arrow_table())


if __name__ == "__main__":
    sys.exit(
        main(
            {
                "load": load,
                "refresh": refresh,
                "new": update,
                "again": update,
                "metric": metric,
                "dashboards": dashboards,
            }
        )
    )
