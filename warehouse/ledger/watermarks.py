"""Watermarks: what the ledger knows of each partition that is loaded.

dbt keeps the watermarks of the models that it builds by partitions in the same table (`dbt/macros/replace_partitions`).
"""

import duckdb

from warehouse.ledger.records import Fingerprint, Watermark, utc_now
from warehouse.periods import Period

_COLUMNS = (
    "asset, partition_key, feed, grain, period_start, period_end, version, load_id, rows, min_event_time,"
    " max_event_time, source_url, etag, last_modified, content_length, content_hash, updated_at"
)


def read_watermarks(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Watermark]:
    """The watermark of every partition loaded from a publisher, by (feed, partition key); none without a ledger."""
    try:
        rows = connection.execute(
            "select asset, partition_key, load_id, rows, min_event_time, max_event_time,"
            " source_url, etag, last_modified, content_length, content_hash from meta.asset_watermarks"
            " where source_url is not null"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    return {(row[0], row[1]): Watermark(row[2], row[3], row[4], row[5], Fingerprint(*row[6:])) for row in rows}


def write_watermark(connection: duckdb.DuckDBPyConnection, feed: str, period: Period, watermark: Watermark) -> None:
    """Record what a feed's partition holds now, in place of what was known of it."""
    source = watermark.fingerprint
    values = [
        feed,
        period.key,
        feed,
        period.grain,
        period.start,
        period.end,
        watermark.load_id,
        watermark.load_id,
        watermark.rows,
        watermark.min_event_time,
        watermark.max_event_time,
        source.url,
        source.etag,
        source.last_modified,
        source.content_length,
        source.content_hash,
        utc_now(),
    ]
    marks = ", ".join("?" for _ in values)
    connection.execute(f"insert or replace into meta.asset_watermarks ({_COLUMNS}) values ({marks})", values)
