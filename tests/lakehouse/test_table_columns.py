"""Columns of tables of Delta and Iceberg: types that are cast, and columns that change between releases."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.lakehouse.readers import EXPORTERS, READERS, assert_is_release, data_files
from warehouse.lakehouse import ExportError, Location
from warehouse.releases import Part, Release, ReleaseTable
from warehouse.releases.release import DATABASE, DESCRIPTION
from warehouse.sql import literal

FORMATS = list(EXPORTERS)
NAME = "core_x.things"

# A value of every type that is cast. A file of a release has no such columns, so they stand in a table of DuckDB.
CAST = """
    select
        i::tinyint as tiny, (i * 300)::smallint as small, i::utinyint as utiny, (i * 60000)::usmallint as usmall,
        (i * 4000000000)::uinteger as uint, 18446744073709551615::ubigint as ubig,
        (i::hugeint * 10000000000000000000000000000000000000) as huge, (i::uhugeint) as uhuge,
        '{"a": 1}'::json as document, uuid '00000000-0000-0000-0000-00000000000a' as id, time '12:34:56.789' as at,
        timestamp_s '2025-01-02 03:04:05' as s, timestamp_ms '2025-01-02 03:04:05.678' as ms,
        'b'::enum ('a', 'b') as choice
    from range(2) as numbers (i)
"""

KEPT = """
    select
        i as big, i::integer as int, i::float as f, i / 3 as d, i % 2 = 0 as yes, 'é' || i as text,
        '\\x01'::blob as raw, date '2025-01-02' as day, timestamp '2025-01-02 03:04:05.678901' as naive,
        timestamptz '2025-01-02 03:04:05.678901+00' as utc, i::decimal(4, 1) as d4, i::decimal(9, 3) as d9,
        i::decimal(18, 4) as d18, i::decimal(38, 10) as d38, null::varchar as nothing,
        case when i = 1 then 'nan'::double end as nan
    from range(3) as numbers (i)
"""


def _release(published: Path, number: int, *, parts: dict[str, str] | None = None, table: str | None = None) -> Release:
    """A release of one table: in files, each made by a query, or in DuckDB."""
    id_ = f"20250301T0000{number:02}Z-{number:04x}"
    folder = published / "releases" / id_
    folder.mkdir(parents=True)
    made = tuple(_part(folder, key, query) for key, query in (parts or {}).items())
    with duckdb.connect(str(folder / DATABASE)) as connection:
        connection.execute("create schema core_x")
        if table:
            connection.execute(f"create table {NAME} as {table}")
            made = (Part("all", 2, hashlib.sha256(table.encode()).hexdigest()),)
        else:
            files = ", ".join(literal(folder / str(part.file)) for part in made)
            query = f"select * from read_parquet([{files}], union_by_name = true)"
            connection.execute(f"create view {NAME} as {query}")
        columns = tuple((name, type_) for name, type_, *_ in connection.execute(f"describe {NAME}").fetchall())
        rows = connection.execute(f"select count(*) from {NAME}").fetchall()[0][0]
    if table:
        made = (replace(made[0], rows=rows),)
    schema, name = NAME.split(".")
    things = ReleaseTable(schema, name, columns, made)
    moment = datetime(2025, 3, 1, tzinfo=UTC)
    release = Release(id_, folder, moment, "terminal", "1" * 32, duckdb.__version__, id_, (things,))
    (folder / DESCRIPTION).write_text(release.write())
    return release


def _part(folder: Path, key: str, query: str) -> Part:
    file = f"tables/core_x/things/{key}.parquet"
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({query}) to {literal(path)} (format parquet)")
    rows = duckdb.execute(f"select count(*) from read_parquet({literal(path)})").fetchall()[0][0]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    state = path.stat()
    return Part(key, rows, sha256[:16], file=file, bytes=state.st_size, modified_ns=state.st_mtime_ns, sha256=sha256)


@pytest.fixture
def to(tmp_path: Path) -> Location:
    return Location.of(str(tmp_path / "lakehouse"))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("query", [CAST, KEPT])
def test_values_of_every_type(format_: str, query: str, published: Path, to: Location) -> None:
    release = _release(published, 1, table=query)
    EXPORTERS[format_](release, release.tables, to)
    assert_is_release(format_, to, release, READERS[format_])


@pytest.mark.parametrize("format_", FORMATS)
def test_files_with_types_that_the_formats_have_are_registered(format_: str, published: Path, to: Location) -> None:
    release = _release(published, 1, parts={"a": KEPT})
    EXPORTERS[format_](release, release.tables, to)
    assert_is_release(format_, to, release)
    original = (release.folder / "tables/core_x/things/a.parquet").stat().st_ino
    assert original in {path.stat().st_ino for path in to.path.rglob("*.parquet")}


@pytest.mark.parametrize("format_", FORMATS)
def test_files_with_other_types_are_rewritten(format_: str, published: Path, to: Location) -> None:
    release = _release(published, 1, parts={"a": "select 7::utinyint as n", "b": "select 8::utinyint as n"})
    EXPORTERS[format_](release, release.tables, to)
    assert_is_release(format_, to, release)
    rows = READERS[format_][0](to, NAME)
    assert str(rows.schema.field("n").type) == "int32"


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("column", ["[1, 2]", "{'a': 1}", "interval 1 day", "timestamp_ns '2025-01-01'"])
def test_a_type_that_the_formats_have_not_is_named(format_: str, column: str, published: Path, to: Location) -> None:
    release = _release(published, 1, table=f"select 1 as fine, {column} as odd")
    with pytest.raises(ExportError, match=r"core_x\.things: column 'odd' has the type .* Cast it to another"):
        EXPORTERS[format_](release, release.tables, to)


def test_a_value_that_does_not_fit_is_not_changed(published: Path, to: Location) -> None:
    release = _release(published, 1, table="select (2::hugeint * 10 ** 38)::uhugeint as n")
    with pytest.raises(ExportError, match=r"core_x\.things to"):
        EXPORTERS["delta"](release, release.tables, to)


@pytest.mark.parametrize("format_", FORMATS)
def test_columns_change_between_releases(format_: str, published: Path, to: Location) -> None:
    export, readers = EXPORTERS[format_], READERS[format_]
    a, b = "select 1 as n, 'x' as s, 0.5::float as f", "select 2 as n, 'y' as s, 1.5::float as f"
    first = _release(published, 1, parts={"a": a, "b": b})
    export(first, first.tables, to)
    # One column is new, one is gone, one is wider, and one is wider in the table than in a file that did not change.
    second = _release(
        published, 2, parts={"a": "select 1 as n, 0.5 as f, 'z' as t", "b": f"select n, f, null as t from ({b})"}
    )
    second = replace(
        second, tables=(replace(second.tables[0], columns=(("t", "VARCHAR"), ("n", "BIGINT"), ("f", "DOUBLE"))),)
    )
    _define(second, "select t, n::bigint as n, f::double as f")
    exported = export(second, second.tables, to)
    assert exported[0].files_written == 2
    assert_is_release(format_, to, second, readers)
    assert readers[0](to, NAME).column_names == ["t", "n", "f"]
    # A type that is no wider than the one before.
    third = _release(published, 3, table="select 'text' as n, 3 as t")
    export(third, third.tables, to)
    assert_is_release(format_, to, third, readers)
    # Back to the columns and the files of the first.
    files = data_files(format_, to, NAME)
    export(first, first.tables, to)
    assert_is_release(format_, to, first, readers)
    assert data_files(format_, to, NAME) == files


def _define(release: Release, selected: str) -> None:
    files = ", ".join(literal(release.folder / str(part.file)) for _, part in release.files())
    query = f"{selected} from read_parquet([{files}], union_by_name = true)"
    with duckdb.connect(str(release.database)) as connection:
        connection.execute(f"create or replace view {NAME} as {query}")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_table_without_rows(format_: str, published: Path, to: Location) -> None:
    release = _release(published, 1, table="select 1 as n where false")
    assert EXPORTERS[format_](release, release.tables, to)[0].rows == 0
    assert READERS[format_][0](to, NAME).num_rows == 0
    second = _release(published, 2, table="select 1 as n")
    EXPORTERS[format_](second, second.tables, to)
    assert_is_release(format_, to, second, READERS[format_][:1])
    third = _release(published, 3, table="select 1 as n where false")
    EXPORTERS[format_](third, third.tables, to)
    assert READERS[format_][0](to, NAME).num_rows == 0


def test_a_time_that_never_comes(published: Path, to: Location) -> None:
    release = _release(published, 1, table="select 1 as n, timestamp 'infinity' as never, date '-infinity' as always")
    EXPORTERS["delta"](release, release.tables, to)
    with pytest.raises(ExportError, match=r"core_x/things: .* has a date or time beyond the years 1 to 9999"):
        EXPORTERS["iceberg"](release, release.tables, to)


def test_decimals_are_exact(published: Path, to: Location) -> None:
    release = _release(published, 1, table="select 170141183460469231731687303715884105::hugeint as n")
    for format_ in FORMATS:
        EXPORTERS[format_](release, release.tables, to)
        assert READERS[format_][0](to, NAME)["n"].to_pylist() == [Decimal(170141183460469231731687303715884105)]
