"""Small releases made by hand: a fact in three files, two small tables in DuckDB, and all descriptions."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.publishing.parts import rows_and_content
from warehouse.releases import Part, Release, Releases, ReleaseTable
from warehouse.releases.release import DATABASE, DESCRIPTION
from warehouse.sql import identifier, literal

FACT = "core_core.fct_trips"
SMALL = ("core_core.dim_zone", "meta.runs")
TABLES = (FACT, *SMALL)

# The partitions of the fact, and what each was built from. The number at the end is that of its rows.
PARTITIONS = {"green/2025-01": "a 40", "yellow/2025-01": "a 300", "yellow/2025-02": "a 250"}

# Compared with them: one as before, one changed, one gone, one new.
CHANGED = {"green/2025-01": "a 40", "yellow/2025-01": "b 310", "yellow/2025-03": "a 9"}
_OTHER_ZONES = "select 1::integer as zone_id, 'Astoria' as zone, 1.5::decimal(9, 4) as area_sq_mi"

# Values that are hard to carry: quotes, commas, line breaks, letters of other alphabets, nothing, and empty texts.
_NOTES = ["plain", 'say "hi", twice', "two\nlines", "café, 東京 🚕", "", "a;b\tc", "'", "NULL"]

# The columns of the fact, with their descriptions.
_FACT_COLUMNS = {
    "trip_id": "The surrogate key, a hash's first half.",
    "feed": "The feed that the trip came from.",
    "source_month": "The month of the file; the first of it.",
    "picked_up_at": "When the trip began, in local time without a zone.",
    "miles": "The distance in miles; null if the meter gave none.",
    "fare_usd": "The fare in US dollars; it's negative for a refund.",
    "is_shared": "Whether strangers shared the ride.",
    "zone_id": None,
    "note": "What the driver wrote.",
}

_FACT_ROWS = """
    select
        md5($seed || i) as trip_id,
        $feed as feed,
        $month::date as source_month,
        $month::timestamp + to_microseconds(i * 7_200_000_123) as picked_up_at,
        case when i % 7 > 0 then (hash($seed || i) % 10_000) / 317 end as miles,
        cast(((hash(i || $seed) % 100_000)::bigint - 500) / 100 as decimal(10, 2)) as fare_usd,
        case when i % 5 > 0 then i % 2 = 0 end as is_shared,
        (i % 3 + 1)::integer as zone_id,
        case when i % 11 > 0 then list_extract($notes, 1 + i % len($notes)) end as note
    from range($rows) as numbers (i)
"""

_SMALL_ROWS = {
    "core_core.dim_zone": """
        select zone_id::integer as zone_id, zone, area_sq_mi::decimal(9, 4) as area_sq_mi
        from (values (1, 'Astoria', 1.25), (2, 'Bath "Beach"', 0.5), (3, null, null))
            as zones (zone_id, zone, area_sq_mi)
    """,
    "meta.runs": """
        select
            md5(i::varchar) as run_id,
            timestamptz '2025-03-01 04:05:06.789012+00' + to_hours(i) as started_at,
            i * 1_000_000_007 as rows_loaded,
            case when i % 2 = 0 then 'failed: "x", then\nstopped' end as error
        from range(20) as numbers (i)
    """,
}

_SMALL_COMMENTS = {
    "core_core.dim_zone": ("A taxi zone.", {"zone_id": "The zone's number.", "area_sq_mi": "In square miles."}),
    "meta.runs": (None, {"started_at": "When it began (UTC)."}),
}

_FACT_COMMENT = 'A trip a row; the "facts".'


def make_release(
    published: Path,
    *,
    partitions: Mapping[str, str] = PARTITIONS,
    number: int = 1,
    before: Release | None = None,
    zones: str | None = None,
    description: str | None = None,
) -> Release:
    """Publish a release. A partition that is as in the release `before` is the same file.

    `zones` is SQL in place of the rows of the small table, and `description` is said of it and its first column in
    place of the usual words. `number` makes the id, and the time of publication.
    """
    id_ = f"20250301T0000{number:02}Z-{number:04x}"
    releases = Releases(published)
    folder = releases.releases_folder / id_
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(folder / DATABASE)} as made (storage_version 'v1.5.0')")
        connection.execute("use made")
        for schema in sorted({name.split(".")[0] for name in TABLES}):
            connection.execute(f"create schema {identifier(schema)}")
        fact = _fact(connection, folder, partitions, before)
        small = [_small(connection, name, zones, description) for name in SMALL]
        # The rest of the ledger is in the DuckDB file alone.
        connection.execute("create table meta.checks as select 'fresh' as check_name, true as is_passed")
        connection.execute("use memory")
        connection.execute("detach made")
    (folder / DATABASE).chmod(0o444)
    release = Release(
        id=id_,
        folder=folder,
        published_at=datetime(2025, 3, 1, 0, 0, number, tzinfo=UTC),
        published_by="terminal",
        run_id="1" * 32,
        duckdb_version=duckdb.__version__,
        content=hashlib.sha256(repr((fact, small)).encode()).hexdigest(),
        tables=(fact, *small),
    )
    (folder / DESCRIPTION).write_text(release.write())
    releases.switch_to(release)
    return release


def make_changed_release(published: Path, before: Release) -> Release:
    """The release after the first: other partitions of the fact, and other zones."""
    return make_release(published, number=2, before=before, partitions=CHANGED, zones=_OTHER_ZONES)


def with_layers(release: Release, layers: Mapping[str, str]) -> Release:
    """The release with some of its tables in layers, such as `silver/rides`, as a publication writes it."""
    tables = tuple(replace(table, layer=layers.get(table.full_name)) for table in release.tables)
    changed = replace(release, tables=tables)
    (release.folder / DESCRIPTION).write_text(changed.write())
    return changed


def _fact(
    connection: duckdb.DuckDBPyConnection, folder: Path, partitions: Mapping[str, str], before: Release | None
) -> ReleaseTable:
    parts = tuple(_part(connection, folder, key, version, before) for key, version in partitions.items())
    files = ", ".join(literal(folder / str(part.file)) for part in parts)
    schema, name = FACT.split(".")
    # The names, because a bare `*` would say nothing of a file with other columns.
    names = ", ".join(identifier(column) for column in _FACT_COLUMNS)
    connection.execute(f"create view {identifier(schema, name)} as select {names} from read_parquet([{files}])")
    _comment(connection, FACT, "view", _FACT_COMMENT, _FACT_COLUMNS)
    return ReleaseTable(
        schema=schema,
        name=name,
        columns=_columns(connection, FACT),
        parts=parts,
        fingerprint="made by hand",
        key=("trip_id",),
        money=("fare_usd",),
        partition_fields=("feed", "source_month"),
        description=_FACT_COMMENT,
    )


def _part(connection: duckdb.DuckDBPyConnection, folder: Path, key: str, version: str, before: Release | None) -> Part:
    feed, month = key.split("/")
    schema, name = FACT.split(".")
    file = f"tables/{schema}/{name}/{key}.parquet"
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    same = _same_part(before, key, version)
    if before and same:
        os.link(before.folder / str(same.file), path)
        return same
    values = {"seed": f"{key} {version}", "feed": feed, "month": f"{month}-01", "notes": _NOTES}
    connection.execute(f"create temp table rows as {_FACT_ROWS}", {**values, "rows": int(version.split()[-1])})
    connection.execute(f"copy rows to {literal(path)} (format parquet, compression zstd)")
    rows, content = rows_and_content(connection, "rows")
    connection.execute("drop table rows")
    path.chmod(0o444)
    return Part(
        partition_key=key,
        rows=rows,
        content=content,
        feed=feed,
        grain="month",
        period_start=datetime.fromisoformat(f"{month}-01"),
        version=version,
        built_at=datetime(2025, 3, 1, tzinfo=UTC),
        file=file,
        bytes=path.stat().st_size,
        modified_ns=path.stat().st_mtime_ns,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _same_part(before: Release | None, key: str, version: str) -> Part | None:
    fact = before.table(FACT) if before else None
    parts = fact.parts if fact else ()
    return next((part for part in parts if (part.partition_key, part.version) == (key, version)), None)


def _small(
    connection: duckdb.DuckDBPyConnection, full_name: str, zones: str | None, zone_description: str | None
) -> ReleaseTable:
    schema, name = full_name.split(".")
    rows = zones if zones and full_name == SMALL[0] else _SMALL_ROWS[full_name]
    connection.execute(f"create table {identifier(schema, name)} as {rows}")
    description, columns = _SMALL_COMMENTS[full_name]
    if zone_description and full_name == SMALL[0]:
        description, columns = zone_description, {**columns, "zone_id": zone_description}
    _comment(connection, full_name, "table", description, columns)
    count, content = rows_and_content(connection, identifier(schema, name))
    return ReleaseTable(
        schema=schema,
        name=name,
        columns=_columns(connection, full_name),
        parts=(Part(partition_key="all", rows=count, content=content),),
        description=description,
    )


def _columns(connection: duckdb.DuckDBPyConnection, full_name: str) -> tuple[tuple[str, str], ...]:
    described = connection.execute(f"describe {identifier(*full_name.split('.'))}").fetchall()
    return tuple((name, type_) for name, type_, *_ in described)


def _comment(
    connection: duckdb.DuckDBPyConnection,
    full_name: str,
    kind: str,
    table: str | None,
    columns: Mapping[str, str | None],
) -> None:
    name = identifier(*full_name.split("."))
    if table:
        connection.execute(f"comment on {kind} {name} is {literal(table)}")
    for column, comment in columns.items():
        if comment:
            connection.execute(f"comment on column {name}.{identifier(column)} is {literal(comment)}")
