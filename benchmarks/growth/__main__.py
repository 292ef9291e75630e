"""How the work of the platform grows with the partitions of its history, in seconds and in counts.

`python -m benchmarks.growth [--partitions 20 200 2000] [--tickers 2] [--minutes 150] [--output FILE]`

Of each history, of trading days of minute bars, it measures a build with nothing to do, the planner, Dagster's grid, a
release of one changed day and the health page. Each is done twice, once for its seconds and once for its counts, which
are the same on any machine: `tests/benchmarks/test_growth.py` asserts them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.growth import page
from benchmarks.growth.counting import Work, counted
from benchmarks.growth.grid import Grid, grid, keys_made
from benchmarks.growth.history import Shape, newest_days
from benchmarks.growth.stages import OF_SUBJECT, Scene
from benchmarks.processes import BenchmarkError, Stopwatch
from benchmarks.samples import FOLDER

_HEADER = ("stage", "partitions", "wall s", "CPU s", "statements", "rows scanned", "files opened", "file calls", "also")

_A_MODEL = "fct_ticker_days"


@dataclass(frozen=True)
class Row:
    """What a stage took with a history of so many partitions: seconds, and counts of its work."""

    stage: str
    partitions: int
    wall: float
    cpu: float
    statements: int
    rows: int
    parquet_files: int
    file_calls: int
    also: str = ""


class Measuring:
    """Measures stages on one history, and keeps what they took in `rows`."""

    def __init__(self, partitions: int) -> None:
        self.rows: list[Row] = []
        self._partitions = partitions

    def measure(self, stage: str, do: Callable[[], object], *, before: Callable[[], object] = lambda: None) -> None:
        """Do it once with a stopwatch and once with counters, each time after `before`, which counts for neither.

        What it gives, if it is a text, is kept beside the counts.
        """
        before()
        stopwatch = Stopwatch()
        do()
        seconds = stopwatch.seconds()
        before()
        with counted() as work:
            found = do()
        self.rows.append(_row(stage, self._partitions, seconds, work, found))
        print(described(self.rows[-1]), flush=True)


def _row(stage: str, partitions: int, seconds: dict[str, float], work: Work, found: object) -> Row:
    also = found if isinstance(found, str) else ""
    calls = sum(work.file_calls.values())
    counts = (work.statements, work.rows_scanned, work.parquet_files, calls)
    return Row(stage, partitions, seconds["wall"], seconds["cpu"], *counts, also)


def described(row: Row) -> str:
    """A line of the table."""
    cells = (
        row.stage,
        f"{row.partitions:,}",
        f"{row.wall:.2f}",
        f"{row.cpu:.2f}",
        *(f"{count:,}" for count in (row.statements, row.rows, row.parquet_files, row.file_calls)),
        row.also,
    )
    return f"| {' | '.join(cells)} |"


def measure_history(scene: Scene, partitions: int) -> list[Row]:
    """Measure every stage on a history of so many partitions, made for it.

    Raises:
        BenchmarkError: something failed.
    """
    days = newest_days(partitions)
    taken = Measuring(partitions)
    changes = iter(days)

    def change_a_day() -> None:
        scene.load([next(changes)])

    def build() -> None:
        scene.build(*OF_SUBJECT)

    def build_a_change() -> None:
        change_a_day()
        build()

    with scene.entered():
        scene.load(days)
        scene.build()
        scene.publish()
        taken.measure("build: nothing to do", build)
        taken.measure("build: one day changed", build, before=change_a_day)
        taken.measure("release: one day changed", lambda: _released(scene), before=build_a_change)
        taken.measure("planner: nyc gaps --offline", lambda: f"{scene.plan():,} periods")
        with grid() as known:
            known.tell_all()
            taken.measure("Dagster: a tick, nothing written", lambda: _told(known))
            taken.measure("Dagster: a tick after a load", lambda: _told(known), before=change_a_day)
            taken.measure("Dagster: keys of the grid", lambda: f"{keys_made():,} keys")
        taken.measure("portal: health page, cold", page.open_health)
        opened = page.open_health()
        taken.measure("portal: health page, drawn again", lambda: page.draw(opened))
        taken.measure("build: full refresh of one model", lambda: scene.build("--full-refresh", "--select", _A_MODEL))
    return taken.rows


def _released(scene: Scene) -> str:
    publication = scene.publish()
    return f"{publication.parts_written:,} files written, {publication.parts_reused:,} linked"


def _told(known: Grid) -> str:
    tick = known.tick()
    return f"{tick.loads:,} told, {tick.records:,} records read, {tick.statements:,} statements to its database"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table; exit code 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--partitions", type=int, nargs="+", default=(20, 200, 2_000), help="default: 20 200 2000")
    parser.add_argument("--tickers", type=int, default=2)
    parser.add_argument("--minutes", type=int, default=150, help="bars of each ticker a day (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="write the figures to this file, too, as JSON")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"| {' | '.join(_HEADER)} |\n|{'---|' * len(_HEADER)}", flush=True)
    rows: list[Row] = []
    manifest = None
    for partitions in options.partitions:
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            scene = Scene(Path(folder), Shape(options.tickers, options.minutes), manifest)
            try:
                if manifest is None:
                    with scene.entered():
                        manifest = scene.manifest = scene.parse()
                rows += measure_history(scene, partitions)
            except BenchmarkError as error:
                print(error, file=sys.stderr)
                return 1
            finally:
                scene.unprotect()
    if options.output:
        options.output.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
