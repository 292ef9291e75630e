"""What DuckDB's COPY promises with the settings of a release.

One thread writes the same bytes for the same rows. Several write the same rows in the same order, but may begin a row
group at another row. So whether rows have changed is seen by their checksum, never by the bytes of another file.
"""

from pathlib import Path

import duckdb
import pytest

from warehouse.publishing.files import COPY_OPTIONS, sha256_of
from warehouse.sql import literal

# More than two row groups, so that threads share the work.
_ROWS = """
    create table trips as
    select
        n as trip_id,
        timestamp '2025-01-01' + to_seconds(n * 7) as picked_up_at,
        hash(n) % 263 as zone,
        (hash(n, 1) % 10000) / 100 as fare,
        if(n % 9 = 0, null, 'station ' || hash(n) % 700) as station,
        n % 3 = 0 as is_paid
    from range(300_000) as numbers(n)
"""

_ORDERED_CHECKSUM = (
    "select count(*), sum(hash(rows, file_row_number)) from read_parquet({}, file_row_number = true) rows"
)


def _written(database: Path, target: Path, threads: int) -> str:
    with duckdb.connect(str(database), config={"threads": threads}) as connection:
        connection.execute(f"copy (from trips where not (is_paid and zone = 7)) to {literal(target)} ({COPY_OPTIONS})")
    return sha256_of(target)


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    database = tmp_path / "trips.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(_ROWS)
    return database


def test_one_thread_writes_the_same_bytes_for_the_same_rows(trips: Path, tmp_path: Path) -> None:
    assert len({_written(trips, tmp_path / f"{turn}.parquet", threads=1) for turn in range(3)}) == 1


def test_any_number_of_threads_writes_the_same_rows_in_the_same_order(trips: Path, tmp_path: Path) -> None:
    found = set()
    for threads in (1, 2, 3, 4):
        target = tmp_path / f"{threads}.parquet"
        _written(trips, target, threads)
        with duckdb.connect() as connection:
            found |= set(connection.execute(_ORDERED_CHECKSUM.format(literal(target))).fetchall())
    assert len(found) == 1


def test_other_rows_give_other_bytes(trips: Path, tmp_path: Path) -> None:
    first = _written(trips, tmp_path / "first.parquet", threads=1)
    with duckdb.connect(str(trips)) as connection:
        connection.execute("update trips set fare = fare + 0.01 where trip_id = 123_456")
    assert _written(trips, tmp_path / "second.parquet", threads=1) != first


def test_a_release_is_written_with_row_groups_that_two_cores_can_share(trips: Path, tmp_path: Path) -> None:
    target = tmp_path / "groups.parquet"
    _written(trips, target, 2)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select count(distinct row_group_id), list(distinct compression) from parquet_metadata({literal(target)})"
        ).fetchall()
    assert found == [(3, ["ZSTD"])]
