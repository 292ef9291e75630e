"""The platform beside what people would pick instead: the same files in, the same facts out, in turns.

`make bench-peers`, or `python -m benchmarks.peers [--trips 320000] [--months 24] [--runs 3] [--only polars chdb]`. It
prints tables, and keeps figures, tables and picture as JSON, Markdown and PNG.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.machine import describe
from benchmarks.peers.contestants import contestants
from benchmarks.peers.race import Race
from benchmarks.peers.registry import PEERS
from benchmarks.peers.table import LEFT_OUT, conclusions, draw, markdown_of, table_of
from benchmarks.processes import BenchmarkError, Limits
from benchmarks.samples import FOLDER, HISTORY
from benchmarks.stages import Results
from warehouse.terminal import quiet_on_broken_pipe

# Of the machine's memory, so that what takes more is stopped before the system stops something else.
_MOST_OF_THE_MEMORY = 0.85


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--trips", type=int, default=320_000, help="trips of 24 months (default: %(default)s)")
    parser.add_argument("--months", type=int, default=len(HISTORY), help="of them, the latest (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="turns of each stage (default: %(default)s)")
    parser.add_argument("--memory-limit", default="4GB", help="of engines that can be told (default: %(default)s)")
    parser.add_argument("--most-seconds", type=float, default=1800, help="of a stage (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=names, default=(), metavar="NAME", help=f"some of {names}")
    parser.add_argument("--show", type=Path, metavar="JSON", help="measure nothing: show the figures of this file")
    parser.add_argument("--output", type=Path, default=FOLDER / "results", help="folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not 1 <= options.months <= len(HISTORY):
        parser.error(f"expected from 1 to {len(HISTORY)} months, got {options.months}")
    if not 1_000 <= options.trips <= 200_000_000:
        parser.error(f"expected from 1,000 to 200,000,000 trips, got {options.trips:,}")
    if options.runs < 1:
        parser.error(f"expected at least one turn, got {options.runs}")
    return options


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and whom the platform is ahead of, and keep the figures."""
    options = _options(arguments)
    if options.show:
        _show(Results.read(options.show), options.show.with_suffix(""))
        return 0
    begun = time.monotonic()
    # As many trips as there are, of which the name says thousands.
    path = options.output / f"peers-{options.trips // 1000}-thousand-trips"
    results = Results(describe(options.trips, options.runs, options.memory_limit))
    limits = Limits(psutil.virtual_memory().total / 1024**2 * _MOST_OF_THE_MEMORY, options.most_seconds)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="peers-race-") as folder:
        bench = Bench(
            options.trips,
            options.runs,
            options.memory_limit,
            Path(folder),
            results,
            keep=lambda results: results.write(path.with_suffix(".json")),
        )
        taking_part, left_out = contestants(Path(folder), options.trips, options.memory_limit, limits, options.only)
        results.about |= {"months": options.months, LEFT_OUT: left_out}
        for name, why in left_out.items():
            bench.say(f"{name} is left out: {why}")
        try:
            Race(bench, options.months, taking_part, left_out).run()
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    results.about["minutes"] = round((time.monotonic() - begun) / 60, 1)
    results.write(path.with_suffix(".json"))
    _show(results, path)
    return 0


def _show(results: Results, path: Path) -> None:
    """Print table and conclusions, and write them and the picture beside the figures."""
    path.with_suffix(".md").write_text(markdown_of(results))
    draw(results, path.with_suffix(".png"))
    console = Console(highlight=False)
    # Figures are for copying: never cut to a narrow terminal.
    Console(width=max(console.width, 190), highlight=False).print(table_of(results))
    console.print("\n".join(["", *conclusions(results)]), soft_wrap=True)
    console.print(f"Figures, tables and picture: {path}.json, .md, .png", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
