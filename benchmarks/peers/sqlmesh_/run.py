"""SQLMesh on DuckDB: `python -m benchmarks.peers.sqlmesh_.run STAGE --files FOLDER --store FOLDER`.

What its user must know: SQLMesh counts months of the calendar, not files. It takes a month as done once it has run,
with rows or without, so runs are told a day (`execution_time`) by which the month is there. A file that was replaced
must be named (`restate_models`). What follows is restated for the same months, but a file has pickups of the
neighbouring months, too: so hours are one month ahead of trips, look back two, and are restated with a month more on
both sides.
"""

import os
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.command import Options
from benchmarks.peers.duckdb_file import run

if TYPE_CHECKING:
    from sqlmesh import Context

_TRIPS, _HOURLY = "facts.trips", "facts.hourly"


def prepare(options: Options) -> None:
    """Read the project."""
    _context(options).close()


def refresh(options: Options, months: Sequence[str]) -> None:
    """Build the facts anew: the first time by a plan that creates them, later by one that restates all months."""
    first, last = _first_day(months[0]), _first_day(months[-1])
    context = _context(options)
    if context.state_reader.get_environment("prod"):
        _restate(context, first, last)
    else:
        context.plan(execution_time=_next(last))
        context.run(select_models=[_HOURLY], no_auto_upstream=True, execution_time=_next(_next(last)))
    context.close()


def add(options: Options) -> None:
    """Build the months that are missing."""
    after = _next(_first_day(options.months[-1]))
    context = _context(options)
    context.run(select_models=[_TRIPS], execution_time=after)
    context.run(select_models=[_HOURLY], no_auto_upstream=True, execution_time=_next(after))
    context.close()


def restate(options: Options) -> None:
    """Build months anew."""
    context = _context(options)
    _restate(context, _first_day(options.months[0]), _first_day(options.months[-1]))
    context.close()


def _context(options: Options) -> "Context":
    from sqlmesh import Context  # Imported here because it takes seconds, and loading and asking have no need of it.

    os.environ["PEER_STORE"] = str(options.store.resolve())
    os.environ["BENCHMARK_MEMORY_LIMIT"] = options.memory_limit
    return Context(paths=Path(__file__).parent)


def _restate(context: "Context", first: date, last: date) -> None:
    for model, start, end in (
        (_TRIPS, first, _next(last)),
        (_HOURLY, _previous(first), _next(_next(last))),
    ):
        context.plan(restate_models=[model], start=start, end=end - timedelta(days=1), execution_time=end)


def _first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _previous(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


if __name__ == "__main__":
    sys.exit(run(prepare, refresh, add, restate))
