"""Backup, its comparison and restore, against `cp` of the same file: `python -m benchmarks.backup [--trips 32000000]`.

Each turn copies the file by hand, backs it up, compares the backup, and restores it after the file is gone. With
`--from-release` the working file is then made again from the release: its ledger is restored, the same files are loaded
from this disk, everything is built, and the rows of the facts are counted.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.portal_warehouse import Warehouse
from benchmarks.processes import Cost, measure
from benchmarks.samples import (
    FOLDER,
    HISTORY,
    MONTH_BEFORE,
    NEW_MONTH,
    load_trips,
    load_weather,
    load_zones,
    rows_a_month,
)

_COPY = "cp {source} {target} && sync {target}"
_FACTS = ("fct_trips", "quarantined_trips", "fct_hourly_mobility")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backup", description=__doc__)
    parser.add_argument("--trips", type=int, default=32_000_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--from-release", action="store_true", help="also make the file again from its release")
    parser.add_argument("--memory-limit", default="4GB")
    options = parser.parse_args(arguments)
    warehouse = Warehouse(FOLDER / f"backup-{options.trips}", options.memory_limit)
    if not warehouse.folder.exists():
        warehouse.make(options.trips, 0, 0)
    print(f"{options.trips:,} trips, a file of {warehouse.database.stat().st_size / 1e6:,.0f} MB")
    costs: dict[str, list[Cost]] = {}
    for _ in range(options.turns):
        for stage, cost in _turn(warehouse).items():
            costs.setdefault(stage, []).append(cost)
    _print(costs)
    if options.from_release:
        _print({stage: [cost] for stage, cost in _made_again(warehouse, options.trips).items()})
    return 0


def _turn(warehouse: Warehouse) -> dict[str, Cost]:
    source, place = warehouse.database, warehouse.folder / "backups"
    copy = warehouse.folder / "by hand"
    settings = {**warehouse.settings(), "BACKUP_URL": str(place)}

    def nyc(*words: str) -> Cost:
        return measure((sys.executable, "-m", "cli", *words), environment=settings)[0]

    shutil.rmtree(place, ignore_errors=True)
    try:
        by_hand = measure(("sh", "-c", _COPY.format(source=f"'{source}'", target=f"'{copy}'")))[0]
        copy.unlink()
        found = {"cp, to the disk": by_hand, "nyc backup": nyc("backup"), "nothing changed": nyc("backup")}
        found["nyc backup --verify"] = nyc("backup", "--verify")
        # What is lost is put aside, in case that the benchmark is stopped.
        source.rename(source.with_suffix(".lost"))
        found["nyc restore --from latest"] = nyc("restore", "--from", "latest")
        source.with_suffix(".lost").unlink()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return found


def _made_again(warehouse: Warehouse, trips: int) -> dict[str, Cost]:
    """Make the working file again from its release and the sample files.

    Raises:
        RuntimeError: the facts have other rows than before.
    """
    before = _counts(warehouse.database)
    warehouse.database.unlink()
    settings = warehouse.settings()
    restored = measure((sys.executable, "-m", "cli", "restore", "--from-release"), environment=settings)[0]
    load = f"from benchmarks.backup import load_again; load_again({str(warehouse.database)!r}, {trips})"
    loaded = measure((sys.executable, "-c", load), environment=settings)[0]
    built = measure(
        (sys.executable, "-m", "cli", "build", "--exclude-resource-type", "unit_test"), environment=settings
    )
    published = measure((sys.executable, "-m", "cli", "publish"), environment=settings)[0]
    if (now := _counts(warehouse.database)) != before:
        raise RuntimeError(f"expected the rows of before, {before}, but got {now}")
    return {
        "nyc restore --from-release": restored,
        "load all files again": loaded,
        "nyc build, with data tests": built[0],
        "nyc publish": published,
    }


def load_again(database: str, trips: int) -> None:
    """Load all files of the benchmark's history, from this disk."""
    path = Path(database)
    load_weather(path, [MONTH_BEFORE, *HISTORY, NEW_MONTH])
    load_zones(path)
    load_trips(path, HISTORY, rows_a_month(trips))


def _counts(database: Path) -> dict[str, int]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return {fact: connection.execute(f"select count(*) from core_core.{fact}").fetchall()[0][0] for fact in _FACTS}


def _print(costs: dict[str, list[Cost]]) -> None:
    floor = median(cost.wall for cost in next(iter(costs.values())))
    for stage, turns in costs.items():
        wall = [cost.wall for cost in turns]
        cpu, peak = median(cost.cpu for cost in turns), max(cost.peak_mb for cost in turns)
        print(
            f"{stage:28} {median(wall):7.2f} s ({min(wall):.2f}-{max(wall):.2f})  {median(wall) / floor:6.2f} x"
            f"  {cpu:7.2f} CPU s  {peak:6,.0f} MB"
        )


if __name__ == "__main__":
    sys.exit(main())
