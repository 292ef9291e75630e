"""Exports: saved queries and tables that are written as files, for people who do not open the warehouse.

A saved query in `dbt/models/semantic` is exported if its meta says so:

    config:
      meta:
        export: {format: csv, days: 1}

`format` is csv or parquet. `days` is how far the file goes back from the newest day that is whole: 1 is that day alone.
The data's own time counts, not the clock: published files are weeks or months old.

A model is exported with all its columns if its meta says so. It also names the column of dates that its rows are of:

        export: {format: parquet, days: 30, day: trading_date}

Its newest whole day is the last one with rows that is over by UTC: a day of a stream has rows before it is over.
"""

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet

from metrics.query import MetricQuery, query_metrics
from metrics.semantic_manifest import MetricQueryError, manifest_of, read_manifest, tables_beside
from warehouse.lakehouse.destination import destination
from warehouse.lakehouse.exporting import locked
from warehouse.lakehouse.location import Location
from warehouse.paths import database_path
from warehouse.releases import Source
from warehouse.sql import identifier

EXPORTS_VARIABLE = "EXPORTS_URL"

FORMATS = ("csv", "parquet")

# A feed that has not been loaded for longer than this, by the data's own time, is not waited for. Publishers are up to
# two months late, and not all at once.
_PATIENCE = timedelta(days=100)

_NEWEST_WHOLE_DAY = """
    with feeds as (
        select feed, max(period_end) as loaded_until
        from meta.asset_watermarks
        where asset in (select unnest($tables)) and feed is not null and rows > 0
        group by feed
    )

    select cast(date_trunc('day', min(loaded_until)) - interval 1 day as date)
    from feeds
    where loaded_until > (select max(loaded_until) from feeds) - $patience
"""


class BadExportError(MetricQueryError):
    """An export is not declared well, or there is nothing to export. The message says what to do."""


class NothingToExportError(BadExportError):
    """None of the facts that an export is made of are loaded, as for whoever has only other subjects."""


@dataclass(frozen=True)
class Table:
    """Where a model is built, and its column of dates that an export goes by."""

    schema: str
    name: str
    day: str


@dataclass(frozen=True)
class Export:
    """A saved query that is written as a file, or a model if there is a `table`.

    `folders` are those below `models/` that it is declared in.
    """

    name: str
    format: str
    days: int
    description: str
    folders: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class ExportedFile:
    """A file that an export wrote, with the days that it is of."""

    address: str
    first: date
    last: date
    rows: int
    bytes: int


def declared_exports(manifest: Mapping[str, Any]) -> list[Export]:
    """The exports that dbt's manifest (`manifest.json`) declares, by name.

    Raises:
        BadExportError: one is not declared well.
    """
    models = [node for node in manifest.get("nodes", {}).values() if node["resource_type"] == "model"]
    declared = [
        _export(node, node["config"]["meta"]["export"])
        for node in [*manifest["saved_queries"].values(), *models]
        if "export" in node["config"]["meta"]
    ]
    return sorted(declared, key=lambda export: export.name)


def _export(node: Mapping[str, Any], declared: object) -> Export:
    is_model = node.get("resource_type") == "model"
    match declared:
        # For Python, True is a number, too.
        case {"format": str(format_), "days": int(days), **rest} if (
            format_ in FORMATS and days > 0 and days is not True and rest.keys() == ({"day"} if is_model else set())
        ):
            table = _table(node, rest["day"]) if is_model else None
            description = node["description"] or node.get("label") or ""
            return Export(node["name"], format_, days, description, tuple(node["fqn"][1:-1]), table)
    what, example = ("model", "{format: csv, days: 1, day: date_day}") if is_model else _EXAMPLE_OF_QUERY
    raise BadExportError(
        f"{node['original_file_path']}: {what} {node['name']}: expected an export such as {example} with a format of "
        f"{' or '.join(FORMATS)} and 1 day or more, but got {str(declared)[:100]!r}"
    )


_EXAMPLE_OF_QUERY = ("saved query", "{format: csv, days: 1}")


def _table(node: Mapping[str, Any], day: object) -> Table:
    if not isinstance(day, str) or node["columns"].get(day, {}).get("data_type") != "date":
        dates = [name for name, column in node["columns"].items() if column.get("data_type") == "date"]
        raise BadExportError(
            f"{node['original_file_path']}: model {node['name']}: export: day: expected a column of dates, one of "
            f"{', '.join(dates) or '(it has none)'}, but got {str(day)[:100]!r}"
        )
    return Table(node["schema"], node["alias"], day)


def exports_location() -> Location:
    """Where exports go: what `EXPORTS_URL` says, a folder or an address such as `s3://bucket/prefix`.

    By default it is the bucket `exports` if the lakehouse is in S3, and else the folder `exports` beside the DuckDB
    file.

    Raises:
        ExportError: `EXPORTS_URL` or `LAKEHOUSE_URL` is neither a folder nor an address of S3, or it holds a secret.
    """
    if url := os.environ.get(EXPORTS_VARIABLE):
        return Location.of(url)
    return Location.of("s3://exports" if Location.of().is_s3 else str(database_path().parent / "exports"))


def write_export(export: Export, source: Source, to: Location | None = None) -> ExportedFile:
    """Answer an export, and write the file below `to`, by default where `exports_location` says.

    A file of the same days is replaced. The new one is there whole, or not at all.

    Raises:
        NothingToExportError: none of its facts are loaded.
        MetricQueryError: the query cannot be answered.
        ExportError: the file cannot be written.
        WarehouseError: the source cannot be opened, or somebody else kept the folder for too long.
    """
    with source.open() as connection:
        first, last = _days(export, source, connection)
        answer = _answer(export, first, last, source, connection)
    dates = f"{last}" if first == last else f"{first}_{last}"
    name = f"{export.name}_{dates}.{export.format}"
    folder = (to or exports_location()).joined(export.name)
    with locked(folder), destination(folder) as there:
        file = there.scratch / name
        _write(answer, export.format, file)
        stored = there.put(file, name)
    return ExportedFile(folder.joined(name).url, first, last, answer.num_rows, stored.bytes)


def _answer(export: Export, first: date, last: date, source: Source, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    if export.table:
        day = identifier(export.table.day)
        relation = identifier(export.table.schema, export.table.name)
        # In an order, so that the same rows are the same file.
        rows = f"select * from {relation} where {day} between $first and $last order by all"
        return connection.execute(rows, {"first": first, "last": last}).to_arrow_table()
    # Not by the query's start and end: where metric_time has hours, MetricFlow leaves out those of the last day.
    query = MetricQuery(saved_query=export.name, where=(f"metric_time__day between '{first}' and '{last}'",))
    return query_metrics(query, source, connection)


def _write(answer: pa.Table, format_: str, file: Path) -> None:
    if format_ == "parquet":
        pyarrow.parquet.write_table(answer, file, compression="zstd")
        return
    with file.open("w", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(answer.column_names)
        writer.writerows(row.values() for row in answer.to_pylist())


def _days(export: Export, source: Source, connection: duckdb.DuckDBPyConnection) -> tuple[date, date]:
    last = _last_day_of(export.table, connection) if export.table else newest_whole_day(export.name, source, connection)
    if last is None:
        raise NothingToExportError(
            f"export {export.name}: expected files of its facts to be loaded and built, but there are none. "
            "Load some: nyc load --help"
        )
    return last - timedelta(days=export.days - 1), last


def _last_day_of(table: Table, connection: duckdb.DuckDBPyConnection) -> date | None:
    """The last day with rows in a table that is over; None if there is none, or no such table."""
    day = identifier(table.day)
    last = f"select max({day}) from {identifier(table.schema, table.name)} where {day} < $today"
    try:
        found = connection.execute(last, {"today": datetime.now(UTC).date()}).fetchone()
    except duckdb.CatalogException:
        return None
    return found[0] if found else None


def newest_whole_day(saved_query: str, source: Source, connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest day of which every feed of a saved query's facts is loaded; None if nothing is.

    A feed that ended long before the others is left out.

    Raises:
        BadExportError: there is no such saved query.
        MetricQueryError: there is no semantic manifest.
    """
    manifest = read_manifest(manifest_of(source))
    metrics = _metrics_of(manifest["saved_queries"], saved_query)
    tables = sorted(tables_beside(manifest, metrics))
    try:
        found = connection.execute(_NEWEST_WHOLE_DAY, {"tables": tables, "patience": _PATIENCE}).fetchone()
    except duckdb.CatalogException:
        return None
    return found[0] if found else None


def _metrics_of(saved_queries: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    for query in saved_queries:
        if query["name"] == name:
            return list(query["query_params"]["metrics"])
    raise BadExportError(
        f"expected the name of a saved query, but got {name!r}. Is dbt's manifest newer? Run: dbt parse"
    )
