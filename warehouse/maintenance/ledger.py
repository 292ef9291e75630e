"""Delete runs from the ledger that are past their time, with what they did and checked.

A run goes as a whole or stays as a whole. It stays as long as anybody's question is answered from it: which is the last
result of a check or a model, and how did it end the last time; who loaded what is loaded; may this be published. So an
answer never changes because old rows go.
"""

from datetime import timedelta

import duckdb

from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import Ledger, utc_now
from warehouse.ledger.schema import RUN_SELECTION
from warehouse.maintenance.items import Found, nothing, retention_days
from warehouse.paths import database_path

RETENTION_VARIABLE = "LEDGER_RETENTION_DAYS"
_DEFAULT_DAYS = 400

_EXPIRED = f"""
    with runs as (
        select
            *,
            -- What the tools call themselves: dbt build and dbt run are both dbt.
            split_part(kind, ' ', 1) as tool,
            -- What a run was asked for. A run of everything, or of the same again, is over earlier failures.
            {RUN_SELECTION} as selection,
            run_id in (select run_id from meta.ingestion_run_assets) as has_assets,
            run_id in (select run_id from meta.asset_checks) as has_checks
        from meta.ingestion_runs
    ),

    assets as (
        select
            run_id,
            runs.started_at,
            runs.tool,
            done.asset,
            done.partition_key,
            done.status,
            done.load_id
        from meta.ingestion_run_assets as done
        inner join runs using (run_id)
    ),

    kept as (
        select run_id
        from runs
        where status = 'running' or coalesce(finished_at, started_at) >= $before

        union

        -- The last run of each kind and selection, by how far it came.
        select run_id
        from runs
        qualify started_at = max(started_at) over (partition by kind, selection, status, has_assets, has_checks)

        union

        -- The last time that each asset was built, loaded, skipped, or failed.
        select run_id
        from assets
        qualify started_at = max(started_at) over (partition by tool, asset, status)

        union

        -- Loads whose rows are still there.
        select assets.run_id
        from assets
        inner join meta.asset_watermarks as watermarks
            on
                assets.asset = watermarks.asset
                and assets.partition_key = watermarks.partition_key
                and assets.load_id = watermarks.load_id

        union

        -- The last result of each check.
        select run_id
        from meta.asset_checks
        qualify checked_at = max(checked_at) over (partition by source, asset, check_name)

        union

        select run_id
        from meta.published_versions
    )

    select run_id
    from runs
    anti join kept using (run_id)
"""


def ledger(dry_run: bool) -> Found:
    """Delete old runs from the ledger; waits for nobody.

    Raises:
        WarehouseBusyError: another process has the working file.
        WarehouseError: it cannot be opened, or the setting is not valid.
    """
    days = retention_days(RETENTION_VARIABLE, _DEFAULT_DAYS)
    if not database_path().exists():
        return nothing("there is none yet")
    if dry_run:
        with open_for_reading(timeout_seconds=0) as connection:
            runs, rows = count_expired(connection, days) if _is_there(connection) else (0, 0)
    else:
        with open_for_writing(timeout_seconds=0) as connection:
            runs, rows = delete_expired(connection, days)
    return Found(f"{runs:,} runs older than {days} days, with {rows:,} rows of theirs", is_nothing=not runs)


def count_expired(connection: duckdb.DuckDBPyConnection, days: int) -> tuple[int, int]:
    """How many runs `delete_expired` would delete, and how many rows with them."""
    expired = _expired(connection, days)
    counts = [
        connection.execute(
            f"select count(*) from meta.{table} where run_id in (select unnest($runs))", {"runs": expired}
        ).fetchall()[0][0]
        for table in ("ingestion_run_assets", "asset_checks")
    ]
    return len(expired), sum(counts)


def delete_expired(connection: duckdb.DuckDBPyConnection, days: int) -> tuple[int, int]:
    """Delete the runs older than so many days that nobody needs; gives how many, and how many rows of theirs."""
    with Ledger(connection).transaction():
        expired, counts = _expired(connection, days), count_expired(connection, days)
        for table in ("asset_checks", "ingestion_run_assets", "ingestion_runs"):
            connection.execute(f"delete from meta.{table} where run_id in (select unnest($runs))", {"runs": expired})
    return counts


def _expired(connection: duckdb.DuckDBPyConnection, days: int) -> list[str]:
    found = connection.execute(_EXPIRED, {"before": utc_now() - timedelta(days=days)}).fetchall()
    return [run_id for (run_id,) in found]


def _is_there(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file has a ledger of today's. One of before has it after it was opened for writing."""
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'published_versions'"
    ).fetchone()
    return found is not None
