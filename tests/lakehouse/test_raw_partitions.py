"""The lakehouse's copy of the raw tables: what readers find, what is written again, and what a crash leaves."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from warehouse.connection import open_for_writing
from warehouse.lakehouse.destination import Folder
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.location import Location
from warehouse.lakehouse.raw_partitions import CopiedTable, RawTable, RawTablesError, copy_raw_tables
from warehouse.ledger import Fingerprint, Ledger, Watermark
from warehouse.sql import literal

Connection = duckdb.DuckDBPyConnection

_OWN = (("id", "integer"), ("said", "varchar"), ("said_at", "timestamp"), ("bytes", "blob"))
_LAST = (("source_row", "bigint"), ("_dlt_load_id", "varchar"))
MONTHS = RawTable(
    "raw_data",
    "months",
    (*_OWN, ("feed", "varchar"), ("source_month", "date"), *_LAST),
    ("green", "yellow"),
    "source_month",
    mends="Load its files again.",
)
HOURS = RawTable(
    "raw_data", "hours", (*_OWN, ("feed", "varchar"), ("source_hour", "timestamp"), *_LAST), ("logs",), "source_hour"
)
WHOLE = RawTable("meta", "stream_offsets", (("feed", "varchar"), ("next_offset", "bigint")))
TABLES = (MONTHS, HOURS, WHOLE)


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Connection]:
    with open_for_writing(tmp_path / "raw.duckdb") as connection:
        Ledger(connection)
        for table in (MONTHS, HOURS):
            columns = ", ".join(f"{name} {type_}" for name, type_ in table.columns)
            connection.execute(f"create table raw_data.{table.name} ({columns})")
        yield connection


def _load(raw: Connection, table: RawTable, feed: str, key: str, version: str, rows: int = 3) -> None:
    """Replace a partition, as a load does. The text of its rows is the version."""
    start = datetime.fromisoformat(f"{key}-01" if len(key) == 7 else key)
    raw.execute(f"delete from raw_data.{table.name} where feed = ? and {table.period_column} = ?", [feed, start])
    raw.execute(
        f"insert into raw_data.{table.name} select i, $version, timestamp '2025-01-01 00:00:00.123456', '\\x00'::blob,"
        " $feed, $start, i, $version from range($rows) as t(i)",
        {"version": version, "feed": feed, "start": start, "rows": rows},
    )
    Ledger(raw).set_watermark(feed, key, Watermark(version, rows, None, None, Fingerprint("by hand")))


def _unload(raw: Connection, table: RawTable, feed: str, key: str) -> None:
    start = datetime.fromisoformat(f"{key}-01" if len(key) == 7 else key)
    raw.execute(f"delete from raw_data.{table.name} where feed = ? and {table.period_column} = ?", [feed, start])
    raw.execute("delete from meta.asset_watermarks where asset = ? and partition_key = ?", [feed, key])


def _load_some(raw: Connection) -> None:
    for feed, key in (("green", "2025-01"), ("yellow", "2025-01"), ("yellow", "2025-02")):
        _load(raw, MONTHS, feed, key, "first")
    for hour in ("2025-01-01T04", "2025-01-01T05"):
        _load(raw, HOURS, "logs", hour, "first")
    raw.execute(
        "insert into meta.stream_offsets values ('trades', 'trades', 0, 'a', 0, 7, 7, 7, 0, 0, null, now()::timestamp)"
    )


def _written(done: list[CopiedTable]) -> dict[str, int]:
    return {each.table.name: each.files_written for each in done if each.files_written}


def _files(lake: Location) -> set[str]:
    return {str(path.relative_to(lake.url)) for path in lake.path.rglob("*.parquet")}


def _found(lake: Location, table: RawTable) -> list[tuple[object, ...]]:
    """What a reader of hive's layout finds, in the order of the table's columns."""
    files = f"read_parquet({literal(f'{lake.url}/{table.schema}/{table.name}/**/*.parquet')}, hive_partitioning = true)"
    columns = ", ".join(f"cast({name} as {type_}) as {name}" for name, type_ in table.columns)
    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from {files} order by all").fetchall()


def _loaded(raw: Connection, table: RawTable) -> list[tuple[object, ...]]:
    columns = ", ".join(name for name, _ in table.columns)
    return raw.execute(f"select {columns} from {table.full_name} order by all").fetchall()


def test_readers_of_hives_layout_find_every_row(raw: Connection, lake: Location) -> None:
    _load_some(raw)
    assert _written(copy_raw_tables(raw, TABLES, lake)) == {"months": 3, "hours": 2, "stream_offsets": 1}
    for table in TABLES:
        assert _found(lake, table) == _loaded(raw, table), table.name
    assert _files(lake) == {
        "raw_data/months/feed=green/source_month=2025-01-01/part-0.parquet",
        "raw_data/months/feed=yellow/source_month=2025-01-01/part-0.parquet",
        "raw_data/months/feed=yellow/source_month=2025-02-01/part-0.parquet",
        "raw_data/hours/feed=logs/source_hour=2025-01-01%2004%3A00%3A00/part-0.parquet",
        "raw_data/hours/feed=logs/source_hour=2025-01-01%2005%3A00%3A00/part-0.parquet",
        "meta/stream_offsets/part-0.parquet",
    }


def test_columns_of_the_path_are_not_in_the_file_and_the_others_have_their_types(
    raw: Connection, lake: Location
) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    schema = pq.read_schema(lake.path / "raw_data/months/feed=green/source_month=2025-01-01/part-0.parquet")
    assert {field.name: str(field.type) for field in schema} == {
        "id": "int32",
        "said": "string",
        "said_at": "timestamp[us]",
        "bytes": "binary",
        "source_row": "int64",
        "_dlt_load_id": "string",
    }


def test_nothing_is_written_where_nothing_changed(raw: Connection, lake: Location) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    before = {path: path.stat().st_mtime_ns for path in lake.path.rglob("*.*") if path.is_file()}
    done = copy_raw_tables(raw, TABLES, lake)
    assert not _written(done)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    # It is still said what is there.
    assert [len(each.partitions) for each in done] == [3, 2, 0]


def test_only_what_changed_is_written_and_what_is_gone_is_removed(raw: Connection, lake: Location) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    _load(raw, MONTHS, "yellow", "2025-01", "second", rows=5)
    _load(raw, MONTHS, "yellow", "2025-03", "first")
    _unload(raw, MONTHS, "green", "2025-01")
    raw.execute("update meta.stream_offsets set next_offset = 8")
    assert _written(copy_raw_tables(raw, TABLES, lake)) == {"months": 2, "stream_offsets": 1}
    for table in TABLES:
        assert _found(lake, table) == _loaded(raw, table), table.name
    assert not (lake.path / "raw_data/months/feed=green").exists()


def test_a_table_that_is_no_source_any_more_is_removed(raw: Connection, lake: Location) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    copy_raw_tables(raw, (MONTHS, WHOLE), lake)
    assert not any("hours" in file for file in _files(lake))


def test_another_file_with_the_same_versions_is_not_taken_for_this_one(raw: Connection, lake: Location) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    raw.execute("update raw_data.months set said = 'of another file'")
    raw.execute("update meta.asset_watermarks set updated_at = updated_at + interval 1 second")
    copy_raw_tables(raw, TABLES, lake)
    assert _found(lake, MONTHS) == _loaded(raw, MONTHS)


def test_a_new_column_has_all_files_of_its_table_written_anew(raw: Connection, lake: Location) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    raw.execute("alter table raw_data.hours add column tip double")
    wider = replace(HOURS, columns=(*HOURS.columns, ("tip", "double")))
    assert _written(copy_raw_tables(raw, (MONTHS, wider, WHOLE), lake)) == {"hours": 2}
    assert _found(lake, wider) == _loaded(raw, wider)


def test_a_file_that_somebody_deleted_or_changed_is_written_again(raw: Connection, lake: Location) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    deleted, changed, *_ = sorted(lake.path.rglob("raw_data/months/**/*.parquet"))
    deleted.unlink()
    changed.write_bytes(b"no Parquet")
    assert _written(copy_raw_tables(raw, TABLES, lake)) == {"months": 2}
    assert _found(lake, MONTHS) == _loaded(raw, MONTHS)


def test_a_table_without_partitions_has_no_files(raw: Connection, lake: Location) -> None:
    (done,) = copy_raw_tables(raw, [MONTHS], lake)
    assert (done.partitions, done.files_written, _files(lake)) == ((), 0, set())


def test_a_partition_without_rows_has_a_file_without_rows(raw: Connection, lake: Location) -> None:
    """As of a stream whose topic was made anew: the day stays in the ledger."""
    _load(raw, HOURS, "logs", "2025-01-01T04", "first", rows=0)
    (done,) = copy_raw_tables(raw, [HOURS], lake)
    assert len(done.partitions) == 1
    assert _found(lake, HOURS) == []


def test_rows_of_a_stream_are_of_several_loads(raw: Connection, lake: Location) -> None:
    _load(raw, HOURS, "logs", "2025-01-01T04", "first")
    copy_raw_tables(raw, [HOURS], lake)
    raw.execute(
        "insert into raw_data.hours by name select 9 as id, 'second' as said, 'logs' as feed,"
        " timestamp '2025-01-01 04:00' as source_hour, 'second' as _dlt_load_id"
    )
    Ledger(raw).set_watermark("logs", "2025-01-01T04", Watermark("second", 4, None, None, Fingerprint("by hand")))
    assert _written(copy_raw_tables(raw, [HOURS], lake)) == {"hours": 1}
    assert _found(lake, HOURS) == _loaded(raw, HOURS)


@pytest.mark.parametrize("there", [2, 4])
def test_other_rows_than_the_ledger_says_are_refused(raw: Connection, lake: Location, there: int) -> None:
    _load(raw, MONTHS, "yellow", "2025-01", "first")
    copy_raw_tables(raw, [MONTHS], lake)
    _load(raw, MONTHS, "yellow", "2025-01", "second", rows=there)
    raw.execute("update meta.asset_watermarks set rows = 3")
    with pytest.raises(RawTablesError) as error:
        copy_raw_tables(raw, [MONTHS], lake)
    assert str(error.value) == (
        "expected 3 rows of yellow/2025-01 in raw_data.months, as the ledger (meta.asset_watermarks) says were "
        f"loaded, but there are {there}: the table was changed by hand. Load its files again."
    )
    # The file before stays until the one in its place is right.
    assert {row[1] for row in _found(lake, MONTHS)} == {"first"}
    raw.execute("update meta.asset_watermarks set rows = $there", {"there": there})
    copy_raw_tables(raw, [MONTHS], lake)
    assert _found(lake, MONTHS) == _loaded(raw, MONTHS)


def test_a_missing_column_is_named(raw: Connection, lake: Location) -> None:
    _load(raw, MONTHS, "yellow", "2025-01", "first")
    wider = replace(MONTHS, columns=(*MONTHS.columns, ("tip", "double")))
    with pytest.raises(RawTablesError, match=r"raw_data.months: expected the table with the columns .*tip"):
        copy_raw_tables(raw, [wider], lake)


@pytest.mark.parametrize(
    "feed", ["it's", "../../up", "a/b=c", "50%", "näh é", '"quoted"', "tab\tand\nline", "..", "\\back\\", "{x}[y]*?#"]
)
def test_a_feed_may_be_called_anything(raw: Connection, lake: Location, feed: str) -> None:
    table = replace(MONTHS, feeds=(feed,))
    _load(raw, table, feed, "2025-01", "first")
    _load(raw, table, "another", "2025-01", "first")
    (done,) = copy_raw_tables(raw, [table], lake)
    assert done.partitions[0].values == (feed, "2025-01-01")
    (file,) = _files(lake)
    assert file.count("/") == 4
    assert [row[1:] for row in _found(lake, table)] == [row[1:] for row in _loaded(raw, table) if row[4] == feed]


class _Killed(BaseException):
    """Not an exception that anybody handles."""


def _kill_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Be killed before or after a file is put or removed: at the n-th of these moments."""
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise _Killed

    put, remove = Folder.put, Folder.remove

    def killed_put(self: Folder, file: Path, name: str) -> object:
        count()
        stored = put(self, file, name)
        count()
        return stored

    def killed_remove(self: Folder, name: str) -> None:
        count()
        remove(self, name)
        count()

    monkeypatch.setattr(Folder, "put", killed_put)
    monkeypatch.setattr(Folder, "remove", killed_remove)
    return monkeypatch.undo


def test_the_next_call_mends_what_a_crash_left(
    raw: Connection, lake: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    _load_some(raw)
    copy_raw_tables(raw, TABLES, lake)
    for number in range(1, 12):
        _load(raw, MONTHS, "yellow", "2025-01", f"version {number}", rows=number)
        _load(raw, MONTHS, "yellow", f"20{number:02}-06", "first")
        _unload(raw, MONTHS, "yellow", f"20{number - 1:02}-06")
        undo = _kill_at(number, monkeypatch)
        with suppress(_Killed):
            copy_raw_tables(raw, TABLES, lake)
        undo()
        # What it was about to write is not wanted any more.
        _unload(raw, MONTHS, "yellow", f"20{number:02}-06")
        copy_raw_tables(raw, TABLES, lake)
        assert _found(lake, MONTHS) == _loaded(raw, MONTHS), number
        assert not _written(copy_raw_tables(raw, TABLES, lake)), number


def test_partitions_are_found_in_s3(raw: Connection, bucket: str, published: Path) -> None:
    lake = Location.of(f"s3://{bucket}/lake")
    _load_some(raw)
    assert _written(copy_raw_tables(raw, TABLES, lake)) == {"months": 3, "hours": 2, "stream_offsets": 1}
    assert not _written(copy_raw_tables(raw, TABLES, lake))
    _unload(raw, HOURS, "logs", "2025-01-01T05")
    copy_raw_tables(raw, TABLES, lake)
    (file,) = lake.filesystem().find(lake.joined("raw_data", "hours").url)
    assert file == f"{bucket}/lake/raw_data/hours/feed=logs/source_hour=2025-01-01%2004%3A00%3A00/part-0.parquet"
    assert pq.read_table(f"s3://{file}", filesystem=lake.filesystem()).num_rows == 3


def test_a_place_that_cannot_be_written_is_named(raw: Connection, tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file")
    with pytest.raises(ExportError, match="Check the folder"):
        copy_raw_tables(raw, TABLES, Location.of(str(tmp_path / "lake")))
