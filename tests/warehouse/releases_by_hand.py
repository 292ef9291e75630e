"""Releases written by hand, to compare: tables from SQL, and a ledger that says what was loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from warehouse.ledger import Check, Fingerprint, Ledger, Watermark, utc_now
from warehouse.periods import parse_partition_key
from warehouse.publishing.parts import rows_and_content
from warehouse.releases import Part, Release, Releases, ReleaseTable


@dataclass(frozen=True)
class Rows:
    """A partition: a query for its rows, the version that it was built from, and the load that they are of."""

    sql: str
    version: str | None = None
    load_id: str | None = None


@dataclass(frozen=True)
class Made:
    """A table to put into a release. Without `fields` it is not kept by partitions, and `parts` has `all` alone."""

    name: str
    parts: Mapping[str, Rows]
    key: tuple[str, ...] = ("trip_id",)
    money: tuple[str, ...] = ("fare",)
    fields: tuple[str, ...] = ("feed", "source_month")
    fingerprint: str = "first"
    is_in_files: bool = True


@dataclass(frozen=True)
class Contents:
    """What a release holds. `loads` are (load id, ETag of the file) by feed and period."""

    tables: Sequence[Made]
    loads: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    checks: Sequence[Check] = ()

    def loaded(self, feed: str, period: str, load_id: str, etag: str) -> "Contents":
        """The same after another load."""
        return replace(self, loads={**self.loads, (feed, period): (load_id, etag)})


def publish_by_hand(contents: Contents, number: int) -> Release:
    """Write a release, and make it the current one."""
    releases = Releases()
    folder = releases.releases_folder / f"20250101T0000{number:02}Z-00{number:02}"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "nyc_mobility.duckdb")) as connection:
        tables = tuple(_table(connection, table, folder) for table in contents.tables)
        ledger = Ledger(connection)
        for (feed, period), (load_id, etag) in contents.loads.items():
            ledger.set_watermark(feed, period, Watermark(load_id, 1, None, None, Fingerprint("http://x", etag=etag)))
        ledger.record_checks("run", contents.checks)
    release = Release(folder.name, folder, utc_now(), "terminal", "run", duckdb.__version__, "", tables)
    (folder / "release.json").write_text(release.write())
    releases.switch_to(release)
    return releases.find(release.id)


def _table(connection: duckdb.DuckDBPyConnection, made: Made, folder: Path) -> ReleaseTable:
    connection.execute("create schema if not exists marts")
    union = " union all by name ".join(f"({rows.sql})" for rows in made.parts.values())
    connection.execute(f"create table marts.{made.name} as {union}")
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns() where table_name = ? order by column_index", [made.name]
    ).fetchall()
    parts = tuple(_part(connection, made, key, rows, folder) for key, rows in made.parts.items())
    if made.is_in_files:
        files = ", ".join(f"'{folder / str(part.file)}'" for part in parts)
        connection.execute(f"drop table marts.{made.name}")
        connection.execute(f"create view marts.{made.name} as from read_parquet([{files}])")
    return ReleaseTable("marts", made.name, tuple(columns), parts, made.fingerprint, made.key, made.money, made.fields)


def _part(connection: duckdb.DuckDBPyConnection, made: Made, key: str, rows: Rows, folder: Path) -> Part:
    count, content = rows_and_content(connection, f"({rows.sql})")
    part = Part(key, count, content, version=rows.version, load_id=rows.load_id)
    if made.fields:
        feed, period = parse_partition_key(key)
        part = replace(part, feed=feed, grain=period.grain.value, period_start=period.start)
    if not made.is_in_files:
        return part
    file = folder / "tables" / "marts" / made.name / f"{key}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy ({rows.sql}) to '{file}'")
    return replace(part, file=str(file.relative_to(folder)), bytes=file.stat().st_size)
