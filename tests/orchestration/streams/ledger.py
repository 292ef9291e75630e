"""What a test writes into the ledger: batches of messages that were loaded, and models that were built."""

from datetime import datetime
from uuid import uuid4

from ingestion.catalog import FEEDS
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark, utc_now
from warehouse.ledger.watermarks import write_watermarks


def add_batch(feed: str, day: str, at: datetime | None = None) -> None:
    """A batch of messages of an event day, loaded at a time in UTC, by default now."""
    period = FEEDS[feed].period(day)
    stream = FEEDS[feed].stream
    assert stream
    with open_for_writing() as connection:
        Ledger(connection)
        mark = Watermark(f"{utc_now().timestamp()}", 1, None, None, Fingerprint(url=f"kafka://{stream.topic}"))
        write_watermarks(connection, [(feed, period, mark)])
        if at:
            connection.execute(
                "update meta.asset_watermarks set updated_at = ? where asset = ? and partition_key = ?",
                [at, feed, day],
            )


def add_build(model: str, at: datetime | None = None) -> None:
    """A run of dbt that began at a time in UTC, by default now, and built a model."""
    run_id, began = str(uuid4()), at or utc_now()
    with open_for_writing() as connection:
        Ledger(connection)
        connection.execute(
            "insert into meta.ingestion_runs (run_id, kind, arguments, started_by, started_at, finished_at, status)"
            " values (?, 'dbt build', '{}', 'test', ?, ?, 'success')",
            [run_id, began, began],
        )
        connection.execute(
            "insert into meta.ingestion_run_assets (run_id, asset, status) values (?, ?, 'built')", [run_id, model]
        )
