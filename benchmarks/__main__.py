"""How fast the platform is, and how it grows: every stage against the shortest SQL that does the same.

`make bench`, or `python -m benchmarks [PART …] [--trips 32000000] [--runs 3] [--only TEXT]`. Sample data of so many
trips over 24 months is made once and kept below `data/benchmark`. Stages take turns with their floors, each turn in a
process of its own. It prints a table, and keeps figures, table and picture as JSON, Markdown and PNG.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.against import compare_checkouts
from benchmarks.ask import measure_asking
from benchmarks.bench import Bench
from benchmarks.build import Build
from benchmarks.check import measure_checks
from benchmarks.compaction import measure_compaction
from benchmarks.ingest import measure_ingest
from benchmarks.machine import describe, sentence
from benchmarks.orchestrate import measure_orchestration
from benchmarks.plot import draw
from benchmarks.processes import BenchmarkError
from benchmarks.publish import measure_publishing
from benchmarks.report import conclusions, markdown_of, table_of
from benchmarks.samples import FOLDER, HISTORY_LENGTHS
from benchmarks.stages import Results
from warehouse.terminal import quiet_on_broken_pipe

# Parts that need a warehouse with everything built.
_ON_ALL: dict[str, Callable[[Bench, Path], None]] = {
    "ask": measure_asking,
    "check": measure_checks,
    "orchestrate": measure_orchestration,
    "compact": measure_compaction,
}
PARTS = ("ingest", "build", "publish", *_ON_ALL)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--trips", type=int, default=32_000_000, help="trips in all (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="turns of each stage (default: %(default)s)")
    parser.add_argument("--memory-limit", default="4GB", help="DuckDB's, of all (default: %(default)s)")
    parser.add_argument(
        "--histories",
        nargs="+",
        type=int,
        choices=HISTORY_LENGTHS,
        default=HISTORY_LENGTHS,
        help="months of history to measure builds with (default: all)",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only stages that have this in their name")
    parser.add_argument(
        "--against", type=Path, metavar="CHECKOUT", help="measure this version and that of another checkout in turns"
    )
    parser.add_argument(
        "--show", type=Path, metavar="JSON", help="measure nothing: show the figures of this file again"
    )
    parser.add_argument("--output", type=Path, default=FOLDER / "results", help="folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"unknown part {', '.join(unknown)}: expected some of {', '.join(PARTS)}")
    if not 100_000 <= options.trips <= 200_000_000:
        parser.error(f"expected from 100,000 to 200,000,000 trips, got {options.trips:,}")
    if options.runs < 1:
        parser.error(f"expected at least one turn, got {options.runs}")
    return options


def _measure(bench: Bench, parts: Sequence[str]) -> None:
    if "ingest" in parts:
        measure_ingest(bench)
    build = Build(bench)
    if "build" in parts:
        build.measure()
    if "publish" in parts:
        measure_publishing(bench)
    on_all = [measure for part, measure in _ON_ALL.items() if part in parts]
    if on_all:
        database = build.measure_whole()
        for measure in on_all:
            measure(bench, database)


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and whether goals are met, and keep the figures."""
    options = _options(arguments)
    if options.against:
        return _compare(options)
    if options.show:
        _show(Results.read(options.show), options.show.with_suffix(""))
        return 0
    begun = time.monotonic()
    results = Results(describe(options.trips, options.runs, options.memory_limit))
    path = options.output / f"{options.trips // 1_000_000}-million-trips"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="bench-") as folder:
        bench = Bench(
            options.trips,
            options.runs,
            options.memory_limit,
            Path(folder),
            results,
            sorted(options.histories),
            options.only,
            keep=lambda results: results.write(path.with_suffix(".json")),
        )
        try:
            _measure(bench, options.parts or PARTS)
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    results.about["minutes"] = round((time.monotonic() - begun) / 60, 1)
    results.write(path.with_suffix(".json"))
    _show(results, path)
    return 0


def _compare(options: argparse.Namespace) -> int:
    """Measure this version and another one in turns."""
    passed_on = ["--trips", str(options.trips), "--memory-limit", options.memory_limit, "--only", options.only]
    passed_on += ["--histories", *map(str, options.histories)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="against-") as folder:
        try:
            parts = options.parts or PARTS
            return compare_checkouts(options.against.resolve(), parts, passed_on, options.runs, Path(folder))
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1


def _show(results: Results, path: Path) -> None:
    """Print table and conclusions, and write them and the picture beside the figures."""
    path.with_suffix(".md").write_text(markdown_of(results))
    draw(results, path.with_suffix(".png"))
    console = Console(highlight=False)
    # Figures are for copying: never cut to a narrow terminal.
    Console(width=max(console.width, 190), highlight=False).print(table_of(results))
    console.print("\n".join(["", *conclusions(results), "", sentence(results.about)]), soft_wrap=True)
    took = f"{results.about['minutes']} minutes" if "minutes" in results.about else "broken off"
    console.print(f"{took}; figures, table and picture: {path}.json, .md, .png", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
