"""How far each partition of each topic was read: `meta.stream_offsets`."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

import duckdb

from warehouse.ledger.records import utc_now


@dataclass(frozen=True)
class StreamOffset:
    """How far one partition of a feed's topic was read.

    Always `next_offset - first_offset = rows + rejected + skipped`. Times are UTC.
    """

    feed: str
    topic: str
    kafka_partition: int
    topic_id: str | None
    first_offset: int
    next_offset: int
    end_offset: int
    rows: int
    rejected: int
    skipped: int
    last_message_at: datetime | None


_COLUMNS = tuple(field.name for field in fields(StreamOffset))


def read_stream_offsets(
    connection: duckdb.DuckDBPyConnection, feeds: Iterable[str]
) -> dict[tuple[str, int], StreamOffset]:
    """How far these feeds were read, by feed and partition; none without a ledger."""
    try:
        rows = connection.execute(
            f"select {', '.join(_COLUMNS)} from meta.stream_offsets where list_contains(?, feed)", [list(feeds)]
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    found = [StreamOffset(*row) for row in rows]
    return {(offset.feed, offset.kafka_partition): offset for offset in found}


def write_stream_offsets(connection: duckdb.DuckDBPyConnection, offsets: Iterable[StreamOffset]) -> None:
    """Record how far partitions were read, in place of what was known of them."""
    columns = (*_COLUMNS, "updated_at")
    now = utc_now()
    for offset in offsets:
        connection.execute(
            f"insert or replace into meta.stream_offsets ({', '.join(columns)})"
            f" values ({', '.join('?' for _ in columns)})",
            [*(getattr(offset, name) for name in _COLUMNS), now],
        )
