"""Watermarks: what the ledger knows of each partition that is loaded.

dbt keeps the watermarks of the models that it builds by partitions in the same table (`dbt/macros/replace_partitions`).
"""

from collections.abc import Sequence

import duckdb

from warehouse.ledger.records import Fingerprint, Watermark, utc_now
from warehouse.ledger.rows import replace_rows
from warehouse.periods import Period

_COLUMNS = (
    "asset",
    "partition_key",
    "feed",
    "grain",
    "period_start",
    "period_end",
    "version",
    "load_id",
    "rows",
    "min_event_time",
    "max_event_time",
    "source_url",
    "etag",
    "last_modified",
    "content_length",
    "content_hash",
    "updated_at",
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


def write_watermarks(
    connection: duckdb.DuckDBPyConnection, watermarks: Sequence[tuple[str, Period, Watermark]]
) -> None:
    """Record what partitions of feeds hold now, in place of what was known of them."""
    replace_rows(connection, "asset_watermarks", [_row(*watermark) for watermark in watermarks])


def _row(feed: str, period: Period, watermark: Watermark) -> dict[str, object]:
    source = watermark.fingerprint
    values = (
        feed,
        period.key,
        feed,
        period.grain.value,
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
    )
    return dict(zip(_COLUMNS, values, strict=True))
