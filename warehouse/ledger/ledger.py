"""The ledger's writer: runs, what they did to each asset, checks, watermarks."""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from warehouse.ledger.migrations import prepare
from warehouse.ledger.records import Check, Fingerprint, RunAsset, RunStatus, Watermark, utc_now
from warehouse.ledger.rows import insert_rows
from warehouse.ledger.source_files import PartitionSourceFiles, write_source_files
from warehouse.ledger.watermarks import read_watermarks, write_watermarks
from warehouse.periods import Period, parse_partition_key
from warehouse.secrets import scrubbed

# What the ledger says of a run whose process ended before it could record how. dbt's hooks say the same.
ABANDONED = "the run ended without finishing: it was killed, or the machine went down"
TERMINATED = "terminated in Dagster"
INTERRUPTED = "interrupted"


@dataclass
class _Gathered:
    """What is to be written at once: watermarks, files of partitions, and rows by the table that they are for."""

    watermarks: list[tuple[str, Period, Watermark]] = field(default_factory=list)
    source_files: list[PartitionSourceFiles] = field(default_factory=list)
    rows: dict[str, list[Mapping[str, object]]] = field(default_factory=lambda: defaultdict(list))


class Ledger:
    """Reads and writes `meta` on an open connection.

    Creates its tables where they are missing, and brings what an earlier version wrote up to date. Nothing that it
    keeps has a password or key of an address in it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._gathered: _Gathered | None = None
        prepare(connection)

    def start_run(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        started_by: str,
        dagster_run_id: str | None = None,
        started_at: datetime | None = None,
        run_id: str | None = None,
    ) -> str:
        """Record that a run of this kind (`ingestion`, …) has begun, and return its run id: that given, or a new one.

        `started_at` (UTC, without zone) is for runs that are recorded only at their end; by default it is now.
        """
        run_id = run_id or str(uuid.uuid4())
        self._connection.execute(
            "insert into meta.ingestion_runs (run_id, kind, started_by, started_at, status, arguments, dagster_run_id)"
            " values (?, ?, ?, ?, 'running', ?, ?)",
            [run_id, kind, started_by, started_at or utc_now(), scrubbed(json.dumps(arguments)), dagster_run_id],
        )
        return run_id

    def finish_run(
        self, run_id: str, status: RunStatus, error: str | None = None, *, finished_at: datetime | None = None
    ) -> None:
        """Record how a run ended, and when if that was not now (UTC, without zone)."""
        self._connection.execute(
            "update meta.ingestion_runs set finished_at = ?, status = ?, error = ? where run_id = ?",
            [finished_at or utc_now(), status, error and scrubbed(error), run_id],
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Record everything in the `with` block, or nothing of it."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write what the `with` block records of assets, checks, watermarks and files at its end, each table at once.

        Within a transaction of the caller's. Nothing is written where the block raises.
        """
        self._gathered = _Gathered()
        try:
            yield
            gathered = self._gathered
        finally:
            self._gathered = None
        write_watermarks(self._connection, gathered.watermarks)
        write_source_files(self._connection, gathered.source_files)
        for table, rows in gathered.rows.items():
            insert_rows(self._connection, table, rows)

    def running(self, kind: str) -> list[str]:
        """The ids of the runs of a kind that are recorded as running."""
        found = self._connection.execute(
            "select run_id from meta.ingestion_runs where kind = ? and status = 'running'", [kind]
        ).fetchall()
        return [run_id for (run_id,) in found]

    def finish_runs_of_dagster(self, dagster_run_id: str, error: str) -> None:
        """Record as failed, for this reason, what a run of Dagster that is over has begun and not finished."""
        self._connection.execute(
            "update meta.ingestion_runs set finished_at = ?, status = 'failed', error = ?"
            " where dagster_run_id = ? and status = 'running'",
            [utc_now(), error, dagster_run_id],
        )

    def record_asset(self, run_id: str, done: RunAsset) -> None:
        """Record what a run did to one asset or partition."""
        source = done.fingerprint or Fingerprint(url="")
        period = Period.of_any_grain(done.partition_key) if done.partition_key else None
        self._insert(
            "ingestion_run_assets",
            [
                {
                    "run_id": run_id,
                    "asset": done.asset,
                    "partition_key": done.partition_key,
                    **_period_columns(period),
                    "status": done.status,
                    "rows": done.rows,
                    "bytes": done.bytes,
                    "seconds": done.seconds,
                    "source_url": source.url or None,
                    "etag": source.etag,
                    "last_modified": source.last_modified,
                    "load_id": done.load_id,
                    "error": done.error and scrubbed(done.error),
                    "note": done.note and scrubbed(done.note),
                }
            ],
        )

    def record_checks(self, run_id: str, checks: Iterable[Check]) -> None:
        """Record what a run checked, all of it or none."""
        checked_at = utc_now()
        self._insert("asset_checks", [_check_row(run_id, check, checked_at) for check in checks])

    def watermarks(self) -> dict[tuple[str, str], Watermark]:
        """The watermark of every partition loaded from a publisher, by (asset, partition key)."""
        return read_watermarks(self._connection)

    def set_watermark(self, feed: str, partition_key: str, watermark: Watermark) -> None:
        """Record what a feed's partition holds now, in place of what was known of it.

        Raises:
            BadPeriodError: the key is not that of a period.
        """
        row = (feed, Period.of_any_grain(partition_key), watermark)
        if self._gathered is None:
            write_watermarks(self._connection, [row])
        else:
            self._gathered.watermarks.append(row)

    def set_source_files(self, files: PartitionSourceFiles) -> None:
        """Record which files a partition holds the rows of, in place of what was known of it."""
        if self._gathered is None:
            write_source_files(self._connection, [files])
        else:
            self._gathered.source_files.append(files)

    def _insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows that all have the same columns, in one statement."""
        if self._gathered is None:
            insert_rows(self._connection, table, rows)
        else:
            self._gathered.rows[table] += rows


def _check_row(run_id: str, check: Check, checked_at: datetime) -> dict[str, object]:
    feed, period = parse_partition_key(check.partition_key) if check.partition_key else (None, None)
    return {
        "run_id": run_id,
        "asset": check.asset,
        "check_name": check.check_name,
        "source": check.source,
        "partition_key": check.partition_key,
        "feed": feed,
        **_period_columns(period),
        "severity": check.severity,
        "passed": check.passed,
        "observed": check.observed,
        "expected": check.expected,
        "checked_at": checked_at,
    }


def _period_columns(period: Period | None) -> dict[str, object]:
    if period is None:
        return {"grain": None, "period_start": None, "period_end": None}
    return {"grain": period.grain.value, "period_start": period.start, "period_end": period.end}
