"""How the last load of each partition ended, by the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingestion.results import Status

_ATTEMPTS = """
    select assets.asset, assets.partition_key, assets.status, runs.started_at, assets.error
    from meta.ingestion_run_assets as assets
    inner join meta.ingestion_runs as runs using (run_id)
    where runs.kind = 'ingestion' and assets.partition_key is not null
    qualify row_number() over (partition by assets.asset, assets.partition_key order by runs.started_at desc) = 1
"""


@dataclass(frozen=True)
class Attempt:
    """How the last load of a partition ended. `at` is UTC, without zone."""

    status: str
    at: datetime
    error: str | None = None


Attempts = Mapping[tuple[str, str], Attempt]
"""By (feed, partition key)."""


def read_attempts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Attempt]:
    """The last load of each partition; nothing without a ledger."""
    try:
        rows = connection.execute(_ATTEMPTS).fetchall()
    except duckdb.CatalogException:
        return {}
    return {(feed, key): Attempt(status, at, error) for feed, key, status, at, error in rows}


def refusals(attempts: Attempts) -> dict[tuple[str, str], str]:
    """Why the publisher refused a partition, where the last load of it was refused."""
    return {
        key: attempt.error or "no reason recorded"
        for key, attempt in attempts.items()
        if attempt.status == Status.REFUSED
    }
