"""What tests of streams look up in the warehouse, and that it all agrees."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from ingestion.catalog import FEEDS
from ingestion.feeds import Feed

STREAMS = [feed for feed in FEEDS.values() if feed.is_stream]
Place = tuple[int, int]


def places(path: Path, feed: Feed) -> dict[str, list[Place]]:
    """The places of a feed's rows and rejects, sorted: each a partition and an offset."""
    with duckdb.connect(str(path), read_only=True) as connection:
        of_rows = connection.execute(
            f"select kafka_partition, kafka_offset from raw_data.{feed.raw_table} where feed = ? order by all",
            [feed.name],
        ).fetchall()
        of_rejects = connection.execute(
            "select kafka_partition, kafka_offset from raw_data.stream_rejects where feed = ? order by all", [feed.name]
        ).fetchall()
    return {"rows": of_rows, "rejects": of_rejects}


def assert_all_agrees(path: Path, ends: dict[tuple[str, int], int], feeds: Iterable[Feed] = STREAMS) -> None:
    """See that each message of each partition is there once, as a row or a reject, and that the ledger says so.

    `ends` has for each topic and partition how many messages were produced.
    """
    for feed in feeds:
        assert feed.stream is not None
        found = places(path, feed)
        there = sorted(found["rows"] + found["rejects"])
        expected = sorted(
            (partition, offset)
            for (topic, partition), end in ends.items()
            if topic == feed.stream.topic
            for offset in range(end)
        )
        assert there == expected, feed.name
    with duckdb.connect(str(path), read_only=True) as connection:
        for feed in feeds:
            assert feed.stream is not None
            for row in _offsets(connection, feed):
                partition, first, next_, rows, rejected, skipped = row
                assert next_ - first == rows + rejected + skipped, row
                assert next_ == ends[feed.stream.topic, partition]
                assert (rows, rejected) == _counted(connection, feed, partition)
            recorded = connection.execute(
                "select period_start::date, rows, load_id, min_event_time, max_event_time from meta.asset_watermarks"
                " where asset = ? and rows > 0 order by all",
                [feed.name],
            ).fetchall()
            held = connection.execute(
                f"select source_date, count(*), max(_dlt_load_id), min({feed.event_time}), max({feed.event_time})"
                f" from raw_data.{feed.raw_table} where feed = ? group by all order by all",
                [feed.name],
            ).fetchall()
            assert recorded == held, feed.name


def _offsets(connection: duckdb.DuckDBPyConnection, feed: Feed) -> Iterator[tuple[int, ...]]:
    yield from connection.execute(
        "select kafka_partition, first_offset, next_offset, rows, rejected, skipped from meta.stream_offsets"
        " where feed = ?",
        [feed.name],
    ).fetchall()


def _counted(connection: duckdb.DuckDBPyConnection, feed: Feed, partition: int) -> tuple[int, int]:
    counts = [
        connection.execute(
            f"select count(*) from raw_data.{table} where feed = ? and kafka_partition = ?", [feed.name, partition]
        ).fetchall()[0][0]
        for table in (feed.raw_table, "stream_rejects")
    ]
    return counts[0], counts[1]
