"""The platform's own runs, from the ledger, as events of the workspace `platform`.

A run is an event when it has ended, and belongs to the hour in which it ended (UTC). So an hour that is over has no new
ones. `pipeline` is the kind of run, such as `ingestion` or `dbt build`; `rows` are those that it loaded, none in a
build.
"""

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ingestion.errors import NotPublishedError
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.partitions import Partition
from ingestion.publishers import Downloaded, Progress, Publisher, Visit
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.results import Status
from ingestion.telemetry.event_files import PIPELINE_EVENTS
from warehouse.connection import NotThereYetError, open_for_reading
from warehouse.ledger import Fingerprint
from warehouse.periods import Grain, Period

WORKSPACE = "platform"
_FEED = "platform_runs"
_ADDRESS = "ledger:meta.ingestion_runs"

# Assets of dbt are left out: their rows are those that a table holds, not those that the run wrote.
_ENDED_RUNS = """
    with loaded as (
        select run_id, sum(rows) as rows from meta.ingestion_run_assets where status = $loaded group by run_id
    )

    select
        runs.run_id, runs.kind, runs.status, runs.started_at, runs.finished_at, coalesce(loaded.rows, 0),
        runs.error, runs.started_by, runs.dagster_run_id, runs.arguments
    from meta.ingestion_runs as runs
    left join loaded using (run_id)
    where runs.finished_at >= $first and runs.finished_at < $end
    order by runs.finished_at, runs.run_id
"""
_LOADED_HOURS = "select partition_key, rows from meta.asset_watermarks where asset = $feed"


class PlatformRuns(Publisher):
    """The ledger, as a publisher of the runs that it has."""

    name = "platform_runs"
    has_listing = True
    is_own = True
    read = JsonLinesReader()

    def locate(self, partition: Partition) -> list[str]:
        """Where an hour's runs are; an address of the ledger, which no browser knows."""
        return [_address(partition)]

    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> "LedgerVisit":
        """Read the runs of these hours.

        Raises:
            WarehouseError: the DuckDB file cannot be opened.
        """
        return LedgerVisit([partition.period for partition in partitions])


class LedgerVisit(Visit):
    """The ended runs of some hours, as the ledger had them when the visit began.

    They are read at once: later the DuckDB file may be open for a load.
    """

    def __init__(self, periods: list[Period]) -> None:
        self._runs = _read_runs(min(periods).start, max(periods).end) if periods else {}

    def ask(self, partition: Partition) -> Fingerprint | None:
        """What tells the hour's runs from those of another time; None where none has ended."""
        lines = self._runs.get(partition.key)
        return _fingerprint(partition, lines) if lines else None

    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        """Write the hour's runs into a file; None where they are the known ones."""
        lines = self._runs.get(partition.key)
        if not lines:
            raise NotPublishedError(f"{partition}: not published (yet): no run has ended in this hour")
        fingerprint = _fingerprint(partition, lines)
        if known is not None and known.etag == fingerprint.etag:
            return None
        path = folder / "runs.jsonl"
        path.write_text(lines)
        return Downloaded(path, fingerprint, path.stat().st_size)

    def close(self) -> None:
        """Nothing is open."""


def _read_runs(first: datetime, end: datetime) -> Mapping[str, str]:
    """Lines of JSON by the key of their hour.

    An hour of which more runs are loaded than the ledger has is left out: `nyc maintain` has removed the others since,
    and what is loaded is the history.
    """
    hours: dict[str, list[str]] = defaultdict(list)
    try:
        with open_for_reading() as connection:
            loaded = dict(connection.execute(_LOADED_HOURS, {"feed": _FEED}).fetchall())
            runs = connection.execute(_ENDED_RUNS, {"loaded": Status.LOADED, "first": first, "end": end}).fetchall()
    except NotThereYetError:
        # Nothing has run yet.
        return {}
    for run in runs:
        hours[Period(Grain.HOUR, run[4]).key].append(_event(*run))
    return {key: "".join(lines) for key, lines in hours.items() if len(lines) >= loaded.get(key, 0)}


def _event(
    run_id: str,
    kind: str,
    status: str,
    started_at: datetime,
    finished_at: datetime,
    rows: int,
    error: str | None,
    started_by: str,
    dagster_run_id: str | None,
    arguments: str | None,
) -> str:
    event = {
        "event_id": run_id,
        "workspace": WORKSPACE,
        "pipeline": kind,
        "run_id": run_id,
        "status": status,
        "started_at": f"{started_at.isoformat()}Z",
        "finished_at": f"{finished_at.isoformat()}Z",
        "rows": int(rows),
        "error": error,
        "payload": {
            "started_by": started_by,
            "dagster_run_id": dagster_run_id,
            "arguments": json.loads(arguments or "{}"),
        },
    }
    return json.dumps(event) + "\n"


def _fingerprint(partition: Partition, lines: str) -> Fingerprint:
    return Fingerprint(_address(partition), etag=hashlib.sha256(lines.encode()).hexdigest()[:32])


def _address(partition: Partition) -> str:
    return f"{_ADDRESS}/{partition.key}"


# The same columns, tables and models: only where they are from differs.
FEEDS = (replace(PIPELINE_EVENTS, name=_FEED, publisher=PlatformRuns(), file_names=()),)
