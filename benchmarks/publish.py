"""Publish a new month after histories of different lengths, a release in which nothing changed, and metrics on it.

The floor of a new month is DuckDB's COPY of its rows of `fct_trips`, with the settings of a release. That of metrics is
the working file: every governed metric by month and trip type, the fastest of three, added up.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import duckdb

from benchmarks.bench import Bench, Contest, copy_database
from benchmarks.dbt_runs import Dbt
from benchmarks.metrics import metrics_of_trips
from benchmarks.processes import Cost, Stopwatch, measure_inside
from benchmarks.samples import NEW_MONTH, load_trips, raw_database, rows_a_month
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Stage, Turn
from metrics.query import MetricQuery, metric_sql
from warehouse.connection import open_for_writing
from warehouse.paths import PUBLISHED_FOLDER_VARIABLE, database_path
from warehouse.publishing.files import COPY_OPTIONS
from warehouse.publishing.publish import publish
from warehouse.releases import Release, Releases, Source, current_release
from warehouse.sql import literal

_PUBLISH_GOAL, _METRICS_GOAL = 1.5, 1.2
_RUNS_OF_A_METRIC = 3


@dataclass
class _Scene:
    """A history that is published, and the same warehouse with the new month built, which is not yet."""

    dbt: Dbt
    folder: Path

    @property
    def published(self) -> Path:
        return self.folder / "published"

    @property
    def built(self) -> Path:
        return self.folder / "with-new-month.duckdb"

    def settings(self) -> dict[str, str]:
        return {**self.dbt.settings(self.dbt.target()), PUBLISHED_FOLDER_VARIABLE: str(self.published)}

    def prepare(self, raw: Path, rows: dict[str, int]) -> None:
        """Build and publish the history, then load and build the new month."""
        copy_database(raw, self.dbt.database)
        self.dbt.run("build")
        self.run("publish")
        load_trips(self.dbt.database, [NEW_MONTH], rows)
        self.dbt.run("build")
        copy_database(self.dbt.database, self.built)

    def run(self, what: str) -> tuple[Cost, dict[str, float]]:
        """Measure what this module does, in a process of its own."""
        return measure_inside(("python", "-m", "benchmarks.publish", what), self.settings())

    def forget(self, kept: Release) -> None:
        """Go back to a release, as if later ones had not been made, and to the warehouse that is to be published."""
        go_back_to(kept, Releases(self.published))
        copy_database(self.built, self.dbt.database)


def go_back_to(kept: Release, releases: Releases) -> None:
    """Make a release the current one, and remove all others."""
    releases.switch_to(kept)
    for release in releases.all():
        if release.id != kept.id:
            _remove(release.folder)


def measure_publishing(bench: Bench) -> None:
    """Measure publications after each history, and metrics on the release of the longest."""
    contests = []
    for months in bench.histories:
        bench.say(f"preparing and publishing {months} months")
        folder = bench.folder / f"publish-{months}"
        folder.mkdir()
        scene = _Scene(Dbt(folder / "nyc_mobility.duckdb", bench.memory_limit), folder)
        scene.prepare(raw_database(bench.trips, months), rows_a_month(bench.trips))
        contests.append(_new_month(scene, months, bench))
    bench.take_turns(contests)
    bench.take_turns([_nothing_changed(scene), _metrics(scene, bench.trips)])


def _new_month(scene: _Scene, months: int, bench: Bench) -> Contest:
    kept = Releases(scene.published).current()
    assert kept is not None
    rows = sum(rows_a_month(bench.trips).values())
    stage = Stage("publish", f"new month, {months} of history", rows, "COPY of its trips", _PUBLISH_GOAL, months)

    def turn(measured: Measurement) -> Turn:
        scene.forget(kept)
        floor = scene.run("copy-by-hand")[0]
        return {FLOOR: floor, PLATFORM: _publish_in(scene, measured)}

    return Contest(stage, turn)


def _nothing_changed(scene: _Scene) -> Contest:
    """A build that finds nothing to do, then a publication: the ledger is new, and all rows are the same."""

    def turn(measured: Measurement) -> Turn:
        scene.dbt.run("run")
        return {PLATFORM: _publish_in(scene, measured)}

    return Contest(Stage("publish", "nothing changed", 0), turn)


def _metrics(scene: _Scene, trips: int) -> Contest:
    def turn(_: Measurement) -> Turn:
        cost, figures = scene.run("ask")
        return {FLOOR: Cost(figures["floor wall"], figures["floor cpu"], cost.peak_mb), PLATFORM: cost}

    stage = Stage("publish", "all metrics by month and trip type", trips, "the working file", _METRICS_GOAL)
    return Contest(stage, turn)


def _publish_in(scene: _Scene, measured: Measurement) -> Cost:
    before = _inodes(scene.published)
    cost = scene.run("publish")[0]
    measured.notes["MB of new disk"] = _new_mb(scene.published, before)
    return cost


def _inodes(folder: Path) -> set[int]:
    return {path.lstat().st_ino for path in folder.rglob("*")}


def _new_mb(folder: Path, before: set[int]) -> float:
    """What the disk gave to files and folders that were not there before."""
    states = {state.st_ino: state for path in folder.rglob("*") if (state := path.lstat()).st_ino not in before}
    return sum(state.st_blocks * 512 for state in states.values()) / 1024**2


def _remove(folder: Path) -> None:
    for parent, folders, files in os.walk(folder, topdown=False):
        Path(parent).chmod(0o755)
        for name in files:
            Path(parent, name).unlink()
        for name in folders:
            Path(parent, name).rmdir()
    folder.rmdir()


def _publish() -> dict[str, float]:
    stopwatch = Stopwatch()
    publish()
    return stopwatch.seconds()


def _copy_by_hand() -> dict[str, float]:
    """Write the trips of the newest month, a file a feed."""
    with tempfile.TemporaryDirectory(dir=database_path().parent) as folder, open_for_writing() as connection:
        ((month,),) = connection.execute("select max(source_month) from core_core.fct_trips").fetchall()
        stopwatch = Stopwatch()
        for feed in rows_a_month(0):
            rows = f"from core_core.fct_trips where feed = {literal(feed)} and source_month = date '{month}'"
            connection.execute(f"copy ({rows}) to {literal(Path(folder, feed))} ({COPY_OPTIONS})")
        return stopwatch.seconds()


def _ask() -> dict[str, float]:
    """Ask release and working file for each metric in turns."""
    costs = dict.fromkeys(("wall", "cpu", "floor wall", "floor cpu"), 0.0)
    release = Source(current_release())
    with Source().open() as working, release.open() as published:
        for metric, trip_type in metrics_of_trips(release).items():
            sql = metric_sql(MetricQuery((metric.name,), ("metric_time__month", trip_type)), release)
            taken = [(*_seconds(published, sql), *_seconds(working, sql)) for _ in range(_RUNS_OF_A_METRIC)]
            for name, seconds in zip(costs, map(min, *taken), strict=True):
                costs[name] += seconds
    return costs


def _seconds(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, float]:
    """Wall and CPU seconds of a query."""
    wall, cpu = perf_counter(), process_time()
    connection.cursor().sql(sql).to_arrow_table()
    return perf_counter() - wall, process_time() - cpu


_WHAT: dict[str, Callable[[], dict[str, float]]] = {"publish": _publish, "copy-by-hand": _copy_by_hand, "ask": _ask}


def main() -> int:
    """Do what is measured, and print what it cost as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    parser.add_argument("what", choices=_WHAT)
    options = parser.parse_args()
    print(json.dumps(_WHAT[options.what]()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
