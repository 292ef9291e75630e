"""Figures of the ledger: runs, tables, checks and streams. Each is counted from what the ledger keeps."""

from collections.abc import Iterator
from datetime import datetime

import duckdb
from prometheus_client.core import Metric

from monitoring.families import by, gauge
from warehouse.publishing.audit import failed_builds, outdated_failures

# A kind such as `dbt build` is one of few. Whoever else writes kinds must not make series without end.
_RUNS = """
    select kind, status, count(*) from meta.ingestion_runs group by all order by all limit 200
"""

_LAST_RUNS = """
    select
        kind,
        max(finished_at) filter (status = 'success') as last_success,
        max(finished_at) filter (status = 'failed') as last_failure,
        arg_max(status = 'failed', started_at) filter (status <> 'running') as has_failed,
        arg_max(epoch(finished_at) - epoch(started_at), started_at) filter (status = 'success') as seconds,
        min(started_at) filter (status = 'running') as running_since
    from meta.ingestion_runs
    group by kind
    order by kind
    limit 50
"""

# The last time that each model and seed was built in the DuckDB file. A view has no rows.
_TABLES = """
    select assets.asset, assets.rows::double, assets.seconds, coalesce(runs.finished_at, runs.started_at)
    from meta.ingestion_run_assets as assets
    inner join meta.ingestion_runs as runs using (run_id)
    where assets.status = 'built' and runs.kind like 'dbt %'
    qualify row_number() over (partition by assets.asset order by runs.started_at desc) = 1
    order by assets.asset
"""

_CHECKS = """
    select source, severity, asset, check_name, bool_and(passed), max(checked_at)
    from (
        select source, severity, asset, check_name, passed, checked_at
        from meta.asset_checks
        qualify checked_at = max(checked_at) over (partition by source, asset, check_name)
    )
    group by all
"""

_OFFSETS = """
    select
        feed,
        kafka_partition::varchar,
        -- A topic that was made anew begins again.
        greatest(end_offset - next_offset, 0),
        rows,
        rejected,
        last_message_at,
        updated_at
    from meta.stream_offsets
    order by all
"""


def run_figures(connection: duckdb.DuckDBPyConnection) -> Iterator[Metric]:
    """Figures of loads, builds, checks and publications, whoever started them, by what the ledger calls their kind."""
    yield gauge(
        "nyc_runs",
        "Runs that the ledger keeps, by kind and status. Old ones are deleted, so it is no counter.",
        (((kind, status), count) for kind, status, count in connection.execute(_RUNS).fetchall()),
        ["kind", "status"],
    )
    rows = connection.execute(_LAST_RUNS).fetchall()
    for position, name, meaning in (
        (1, "nyc_run_last_success_timestamp_seconds", "When a run of a kind last ended well, in Unix seconds."),
        (2, "nyc_run_last_failure_timestamp_seconds", "When a run of a kind last failed, in Unix seconds."),
        (3, "nyc_run_last_failed", "1 if the last run of a kind that ended has failed, else 0."),
        (5, "nyc_run_running_since_timestamp_seconds", "Start of the oldest run that has not ended, in seconds."),
    ):
        yield by("kind", name, meaning, {row[0]: row[position] for row in rows})
    yield by(
        "kind",
        "nyc_run_last_success_duration_seconds",
        "How long the last run of a kind that ended well took, in seconds.",
        {row[0]: row[4] for row in rows},
    )


def table_figures(connection: duckdb.DuckDBPyConnection) -> Iterator[Metric]:
    """Figures of what dbt builds: rows, durations, and which models it could not build."""
    tables = connection.execute(_TABLES).fetchall()
    for position, name, meaning in (
        (1, "nyc_table_rows", "Rows of a table when it was last built; a view has none."),
        (2, "nyc_table_build_duration_seconds", "How long the last build of a table took, in seconds."),
        (3, "nyc_table_build_timestamp_seconds", "When a table was last built, in Unix seconds."),
    ):
        yield by("table", name, meaning, {row[0]: row[position] for row in tables})
    failed = len(list(failed_builds(connection)))
    yield gauge("nyc_tables_not_built", "Models that dbt could not build, or that it left out for it.", [((), failed)])


def check_figures(connection: duckdb.DuckDBPyConnection) -> Iterator[Metric]:
    """The last results of all checks. A failed one that a later run no longer has does not count."""
    outdated = outdated_failures(connection)
    counts: dict[tuple[str, ...], int] = {}
    failed: dict[tuple[str, ...], int] = {}
    checked_at: dict[str, datetime] = {}
    for source, severity, asset, name, is_passed, at in connection.execute(_CHECKS).fetchall():
        if not is_passed and (source, asset, name) in outdated:
            continue
        severity = severity or "error"
        for result, is_it in (("passed", is_passed), ("failed", not is_passed)):
            counts[source, severity, result] = counts.get((source, severity, result), 0) + is_it
        failed[asset, severity] = failed.get((asset, severity), 0) + (not is_passed)
        checked_at[source] = max(at, checked_at.get(source, at))
    yield gauge(
        "nyc_checks",
        "Checks by their last result; one that failed for several periods counts once. severity warn forbids nothing.",
        sorted(counts.items()),
        ["source", "severity", "result"],
    )
    yield gauge(
        "nyc_table_failed_checks",
        "Checks of a table whose last result was a failure.",
        sorted(failed.items()),
        ["table", "severity"],
    )
    yield by(
        "source",
        "nyc_checks_timestamp_seconds",
        "When checks of a source last ran, in Unix seconds.",
        {**checked_at},
    )


def stream_figures(connection: duckdb.DuckDBPyConnection) -> Iterator[Metric]:
    """How far topics were read, by the ledger: as of the last time that their reader asked the broker."""
    rows = connection.execute(_OFFSETS).fetchall()
    for position, name, meaning in (
        (2, "nyc_stream_lag_messages", "Messages of a topic's partition not read when the broker was last asked."),
        (3, "nyc_stream_loaded_messages", "Messages of a topic's partition in the raw table."),
        (
            4,
            "nyc_stream_rejected_messages",
            "Messages of a topic's partition that could not be read and were set aside.",
        ),
        (5, "nyc_stream_newest_message_timestamp_seconds", "When the broker got the newest message read, in seconds."),
        (6, "nyc_stream_read_timestamp_seconds", "When a topic's partition was last read, in Unix seconds."),
    ):
        samples = (((feed, partition), row[position]) for row in rows for feed, partition in [row[:2]])
        yield gauge(name, meaning, samples, ["feed", "kafka_partition"])
