"""dbt with microbatch: `python -m benchmarks.peers.dbt_microbatch.run STAGE --files FOLDER --store FOLDER`.

What its user must know: dbt's last batch is that of today, so whoever loads the file of a month that has passed names
it by `--event-time-start` and `--event-time-end`. One pair is for all models of a command, but a file has pickups of
the neighbouring months, too: hours need a month more on both sides, and so a command of their own.
"""

import os
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.command import Options
from benchmarks.peers.duckdb_file import DATABASE, run

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunner

_PROJECT = Path(__file__).parent


def prepare(options: Options) -> None:
    """Parse the project.

    Raises:
        RuntimeError: dbt failed.
    """
    _dbt(_runner(options), options.store, "parse")


def refresh(options: Options, months: Sequence[str]) -> None:
    """Build the facts of all months anew.

    Raises:
        RuntimeError: dbt failed.
    """
    _build(options, months, "--full-refresh")


def update(options: Options) -> None:
    """Build the batches that the files of some months can touch.

    Raises:
        RuntimeError: dbt failed.
    """
    _build(options, options.months)


def _build(options: Options, months: Sequence[str], *flags: str) -> None:
    first, last = (date.fromisoformat(f"{month}-01") for month in (months[0], months[-1]))
    runner = _runner(options)
    for models, start, end in (
        (("hours", "trips"), first, _next(last)),
        (("hourly",), _previous(first), _next(_next(last))),
    ):
        times = ("--event-time-start", str(start), "--event-time-end", str(end))
        _dbt(runner, options.store, "run", *times, *flags, "--select", *models)


def _runner(options: Options) -> "dbtRunner":
    from dbt.cli.main import (
        dbtRunner,
    )  # Imported here because dbt takes a second to import, and asking has no need of it.

    os.environ["PEER_DATABASE"] = str((options.store / DATABASE).resolve())
    os.environ["BENCHMARK_MEMORY_LIMIT"] = options.memory_limit
    return dbtRunner()


def _dbt(runner: "dbtRunner", store: Path, command: str, *arguments: str) -> None:
    folders = {"project-dir": _PROJECT, "profiles-dir": _PROJECT, "target-path": store, "log-path": store}
    settings = [part for name, folder in folders.items() for part in (f"--{name}", str(folder.resolve()))]
    done = runner.invoke(["--quiet", command, *settings, *arguments])
    if not done.success:
        asked = " ".join((command, *arguments))
        raise RuntimeError(f"expected `dbt {asked}` to succeed, but it failed; see {store}/dbt.log")


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _previous(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


if __name__ == "__main__":
    sys.exit(run(prepare, refresh, update, update))
