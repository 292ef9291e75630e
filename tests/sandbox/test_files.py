"""Names, sizes and bytes of the files the sample publisher makes."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import FEEDS
from sandbox.catalog import FILE_FEEDS, stand_in_at
from sandbox.distributions import cells, choice, first_key, near, quantiles
from sandbox.files import file_name, row_count, write_file
from sandbox.placement import Quirk, placed_rows

MARCH = date(2025, 3, 1)


@pytest.mark.parametrize(
    ("feed", "month", "name"),
    [
        ("yellow", MARCH, "yellow_tripdata_2025-03.parquet"),
        ("hvfhv", MARCH, "fhvhv_tripdata_2025-03.parquet"),
        ("citibike", date(2024, 4, 1), "202404-citibike-tripdata.csv.zip"),
        ("citibike", date(2024, 5, 1), "202405-citibike-tripdata.zip"),
        ("citibike_jc", MARCH, "JC-202503-citibike-tripdata.csv.zip"),
        ("citibike_jc", date(2017, 8, 1), "JC-201708 citibike-tripdata.csv.zip"),
        ("citibike_jc", date(2022, 7, 1), "JC-202207-citbike-tripdata.csv.zip"),
    ],
)
def test_a_file_has_its_published_name(feed: str, month: date, name: str) -> None:
    assert file_name(feed, month) == name


def test_paths_belong_to_the_publisher_whose_folder_they_begin_with() -> None:
    found = {path: stand_in_at(path) for path in ("trip-data/a/b.parquet", "tripdata", "tripdatax/a.zip", "v1/archive")}
    rests = {path: (each[0].name, each[1]) for path, each in found.items() if each}
    assert rests == {
        "trip-data/a/b.parquet": ("tlc", "a/b.parquet"),
        "tripdata": ("citibike", ""),
        "v1/archive": ("weather", ""),
    }


def test_keys_of_files_do_not_run_into_each_other() -> None:
    assert first_key(1, 4095, 63) < first_key(2, 0, 0)
    with pytest.raises(ValueError, match="from 0 to 4095, got 4096"):
        first_key(1, 4096, 0)


@pytest.mark.parametrize("feed", FILE_FEEDS)
def test_a_file_depends_on_nothing_but_its_arguments(
    feed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_file(feed, MARCH, tmp_path / "first", rows=3000).read_bytes()
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda: connect(config={"threads": 1}))
    assert write_file(feed, MARCH, tmp_path / "again", rows=3000).read_bytes() == first
    assert write_file(feed, MARCH, tmp_path / "replaced", rows=3000, revision=1).read_bytes() != first
    assert row_count(feed, MARCH, rows=3000, revision=1) > row_count(feed, MARCH, rows=3000)
    written = [path for path in (tmp_path / "first").rglob("*") if path.is_file()]
    assert written == [tmp_path / "first" / file_name(feed, MARCH)]


def test_feeds_have_their_usual_share_of_rows() -> None:
    counts = {feed: row_count(feed, MARCH, rows=1_000_000) for feed in FILE_FEEDS}
    assert counts == {
        "yellow": 1_040_000,
        "green": 15_808,
        "fhv": 409_760,
        "hvfhv": 6_302_400,
        "citibike": 773_800,
        "citibike_jc": 13_140,
        "taxi_zones": 263,  # whatever size is asked for
        "minute_aggs": 1_000_000,
        "symbols": 6_094,
        "exchanges": 5,
        "traders": 30,
        "accounts": 40,
    }
    assert row_count("citibike", date(2025, 7, 1), rows=1000) > 2 * row_count("citibike", date(2025, 1, 1), rows=1000)
    assert min(row_count(feed, MARCH, rows=1) for feed in FILE_FEEDS if not FEEDS[feed].is_irregular) >= 36


@pytest.mark.parametrize(
    ("feed", "month", "rows"),
    [
        ("weather", MARCH, 100),
        ("citibike", date(2013, 5, 1), 100),
        ("yellow", date(2008, 12, 1), 100),
        ("hvfhv", date(2019, 1, 1), 100),
        ("yellow", MARCH, 0),
    ],
)
def test_files_that_do_not_exist_are_refused(feed: str, month: date, rows: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"weather|2013-06|2009-01|2019-02|rows"):
        write_file(feed, month, tmp_path, rows=rows)
    assert list(tmp_path.iterdir()) == []


def test_the_smallest_files_of_every_feed_can_be_made(tmp_path: Path) -> None:
    for feed in FILE_FEEDS:
        assert write_file(feed, date(2025, 11, 1), tmp_path, rows=1).stat().st_size > 0


def test_cells_are_shared_out_by_weight() -> None:
    assert cells({"a": 1.0, "b": 2.0, "c": 0.0}, 9) == ["a"] * 3 + ["b"] * 6
    assert len(cells({"a": 1.0, "b": 1.0, "c": 1.0}, 1000)) == 1000


def test_distributions_have_the_quantiles_and_shares_they_are_given() -> None:
    with duckdb.connect() as connection:
        (row,) = connection.execute(f"""
            select
                quantile_cont({quantiles("u", {0: 0, 0.5: 10, 1: 110})}, [0.25, 0.5, 0.75]),
                avg(({choice("u", {"'a'": 3, "'b'": 1})} = 'b')::integer),
                quantile_cont({near("u", "((range * 7919) % 100000 / 100000)", 0.5)}, [0.1, 0.5, 0.9])
            from (select range, range / 100000 as u from range(100000))
        """).fetchall()
    assert row[0] == pytest.approx([5, 10, 60], rel=0.01)
    assert row[1] == pytest.approx(0.25, abs=0.001)
    assert row[2] == pytest.approx([0.1, 0.5, 0.9], abs=0.01)


def test_quirks_are_placed_exactly_and_leave_a_refund_its_neighbour() -> None:
    query = placed_rows(0, 1000, 800, [Quirk("rare", 0, 3), Quirk("common", 0.1)])
    with duckdb.connect() as connection:
        rows = connection.execute(f"select i, pair_quirk, quirk, quirk_number from ({query}) order by i").fetchall()
    assert sorted(number for _, _, quirk, number in rows if quirk == "rare") == [0, 1, 2]
    assert sorted(number for _, _, quirk, number in rows if quirk == "common") == list(range(80))
    assert all(i % 2 == 0 and i < 800 for i, _, quirk, _ in rows if quirk)
    assert all(rows[i][1] == rows[i + 1][1] for i in range(0, 1000, 2))


def test_more_quirks_than_room_are_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        placed_rows(0, 10, 10, [Quirk("crowd", 0, 6)])
