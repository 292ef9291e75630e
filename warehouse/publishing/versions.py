"""What the ledger keeps of each release: `meta.published_versions`."""

import duckdb

from warehouse.publishing.files import Written
from warehouse.releases.release import Release


def record_version(connection: duckdb.DuckDBPyConnection, release: Release, written: Written) -> None:
    """Record a release, and what was written for it."""
    connection.execute(
        "insert or replace into meta.published_versions values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            release.id,
            release.published_at,
            release.published_by,
            release.run_id,
            sum(table.rows for table in release.tables),
            written.written,
            written.bytes_written,
            release.content,
        ],
    )
