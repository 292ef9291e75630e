"""Forgetting what was loaded of a topic that was deleted, because the offsets of a new one begin again."""

import time

import duckdb

from ingestion.feeds import Feed
from ingestion.raw_data import RAW_SCHEMA, raw_column_types
from warehouse.ledger import Fingerprint, Ledger, Watermark
from warehouse.sql import identifier


def forget(feed: Feed, connection: duckdb.DuckDBPyConnection) -> None:
    """Delete the rows and rejects of a stream and how far it was read, in one transaction.

    Its days stay in the ledger, without rows and with a new version, so that the next build takes them out of what
    was built from them.
    """
    assert feed.stream is not None
    ledger = Ledger(connection)
    has_table = bool(raw_column_types(feed, connection))
    emptied = Watermark(f"{time.time():.6f}", 0, None, None, Fingerprint(f"kafka://{feed.stream.topic}"))
    with ledger.transaction():
        if has_table:
            connection.execute(f"delete from {identifier(RAW_SCHEMA, feed.raw_table)} where feed = ?", [feed.name])
        connection.execute(f"delete from {RAW_SCHEMA}.stream_rejects where feed = ?", [feed.name])
        connection.execute("delete from meta.stream_offsets where feed = ?", [feed.name])
        days = connection.execute(
            "select partition_key from meta.asset_watermarks where asset = ? and rows > 0", [feed.name]
        ).fetchall()
        for (key,) in days:
            ledger.set_watermark(feed.name, key, emptied)
