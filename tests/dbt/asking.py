"""A reader that asks the same of what is published again and again: `python -m tests.dbt.asking WAY`.

For each line of its input it asks once, and prints what it got as JSON: the release, the answer, and how long it took.
`waited` are the seconds in which it neither computed nor stood in the queue for a processor.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from metrics.query import MetricQuery, query_metrics
from warehouse.releases import Releases, Source, current_release, open_for_readers, open_release

_METRICS = MetricQuery(("total_trips", "total_revenue"), ("metric_time__month", "trip__trip_type"))

_TABLES = ("core_core.fct_trips", "core_core.fct_hourly_mobility", "core_core.dim_date", "core_checks.reconciliation")

# A release has itself as the newest in its ledger.
_RELEASE = "select max_by(release_id, published_at) from meta.published_versions"

Answer = tuple[str, str]


def tables_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Rows and checksums of some tables, in one statement."""
    selected = ", ".join(f"(select (count(*), sum(hash(t))) from {table} as t)::varchar" for table in _TABLES)
    return str(connection.execute(f"select {selected}").fetchall())


def metrics_of(source: Source) -> str:
    """Some metrics by month and trip type."""
    return str(query_metrics(_METRICS, source).to_pylist())


def _told(connection: duckdb.DuckDBPyConnection) -> Answer:
    ((release_id,),) = connection.execute(_RELEASE).fetchall()
    return release_id, tables_of(connection)


def _by_link() -> Answer:
    with duckdb.connect(str(Releases().link), read_only=True) as connection:
        return _told(connection)


def _by_release() -> Answer:
    with open_release() as connection:
        return _told(connection)


def _by_command() -> Answer:
    with open_for_readers() as (source, connection):
        assert source.release
        return source.release.id, tables_of(connection)


def _by_metrics() -> Answer:
    release = current_release()
    return release.id, metrics_of(Source(release))


class _Staying:
    """Keeps what it opened for twenty questions."""

    def __init__(self) -> None:
        self._asked = 0
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __call__(self) -> Answer:
        if self._connection is None or self._asked % 20 == 0:
            if self._connection:
                self._connection.close()
            self._connection = duckdb.connect(str(Releases().link), read_only=True)
        self._asked += 1
        return _told(self._connection)


WAYS: dict[str, Callable[[], Answer]] = {
    "link": _by_link,
    "staying": _Staying(),
    "release": _by_release,
    "command": _by_command,
    "metrics": _by_metrics,
}


class _Clock:
    """How long something takes, and how much of it is waiting."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._busy = _busy_seconds()

    def seconds(self) -> dict[str, float]:
        wall = time.monotonic() - self._begun
        # A thread that has ended meanwhile is not counted.
        busy = sum(seconds - self._busy.get(thread, 0) for thread, seconds in _busy_seconds().items())
        return {"wall": wall, "waited": max(0.0, wall - busy)}


def _busy_seconds() -> dict[str, float]:
    """Seconds that each thread of this process computed, or stood in the queue for a processor."""
    busy = {}
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it has just ended
            computed, queued, _ = (thread / "schedstat").read_text().split()
            busy[thread.name] = (int(computed) + int(queued)) / 1e9
    return busy


@contextmanager
def _said(clock: _Clock) -> Iterator[dict[str, object]]:
    said: dict[str, object] = {}
    try:
        yield said
    except Exception as error:  # noqa: BLE001 - whatever it is, the test says so
        said["error"] = repr(error)
    sys.stdout.write(json.dumps({**said, **clock.seconds()}) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.dbt.asking", description=__doc__)
    parser.add_argument("way", choices=WAYS)
    ask = WAYS[parser.parse_args().way]
    for _ in sys.stdin:
        with _said(_Clock()) as said:
            said["release"], said["answer"] = ask()


if __name__ == "__main__":
    main()
