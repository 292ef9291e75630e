"""Two versions of the project side by side: `python -m benchmarks [PART …] --against OTHER_CHECKOUT`.

Each checkout runs its own benchmark, one turn at a time, and they take turns, so that other work on the machine affects
both. Both use this Python and its packages. The floor is the same SQL in both, so its change shows the machine's noise.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.processes import BenchmarkError
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Results
from warehouse.paths import PROJECT_ROOT

# A stage counts as slower only if every turn was slower by more than this, in wall and in CPU seconds.
NOISE = 0.05

# Parts that are measured on a warehouse with everything built: one process for all of them builds it once.
_BUILT_FIRST = ("ingest", "build")


@dataclass(frozen=True)
class Change:
    """A stage in both versions, with the measurements of each turn in order."""

    name: str
    before: Sequence[Measurement]
    now: Sequence[Measurement]

    def ratios(self, who: str = PLATFORM, unit: str = "wall") -> list[float]:
        """How many times as long it takes now, turn by turn."""
        pairs = zip(self.before, self.now, strict=True)
        seconds = [(before.seconds(who, unit), now.seconds(who, unit)) for before, now in pairs]
        return [now / before for before, now in seconds if before and now]

    @property
    def is_slower(self) -> bool:
        """Whether every turn was slower by more than noise."""
        ratios = [*self.ratios(), *self.ratios(unit="cpu")]
        return bool(ratios) and min(ratios) > 1 + NOISE


def compare_checkouts(other: Path, parts: Sequence[str], options: Sequence[str], turns: int, folder: Path) -> int:
    """Measure both checkouts in turns, print what changed, and return 1 if a stage is slower now.

    Raises:
        BenchmarkError: the other folder has no benchmark, or a benchmark failed.
    """
    if not (other / "benchmarks" / "__main__.py").exists():
        raise BenchmarkError(f"expected a checkout of this project in {other}, but it has no benchmarks/__main__.py")
    measured: dict[Path, list[Results]] = {other: [], PROJECT_ROOT: []}
    for turn in range(turns):
        for group in _groups(parts):
            # The first may find the machine in another state than the second, so they change places.
            for checkout in (other, PROJECT_ROOT) if turn % 2 == 0 else (PROJECT_ROOT, other):
                results = _run(checkout, [*group, *options], folder / f"{turn}-{group[0]}-{checkout == PROJECT_ROOT}")
                measured[checkout].append(results)
    changes = list(changes_between(measured[other], measured[PROJECT_ROOT]))
    console = Console(highlight=False)
    Console(width=max(console.width, 150), highlight=False).print(table_of(changes))
    slower = [change.name for change in changes if change.is_slower]
    console.print(f"\nslower in every turn, by more than {NOISE:.0%}: {', '.join(slower) or 'none'}", soft_wrap=True)
    return 1 if slower else 0


def _groups(parts: Sequence[str]) -> Iterator[list[str]]:
    yield from ([part] for part in _BUILT_FIRST if part in parts)
    rest = [part for part in parts if part not in _BUILT_FIRST]
    if rest:
        yield rest


def _run(checkout: Path, arguments: Sequence[str], output: Path) -> Results:
    """One turn of a checkout's own benchmark."""
    command = [sys.executable, "-m", "benchmarks", *arguments, "--runs", "1", "--output", str(output)]
    done = subprocess.run(
        command, cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)}, stdout=subprocess.DEVNULL
    )
    if done.returncode:
        raise BenchmarkError(f"{checkout}: expected the benchmark to succeed, but it ended with {done.returncode}")
    return Results.read(next(output.glob("*.json")))


def changes_between(before: Sequence[Results], now: Sequence[Results]) -> Iterator[Change]:
    """The stages that both versions have; a part's only stage without a partner is taken for the other's."""
    sides = [_by_name(results) for results in (before, now)]
    for part in dict.fromkeys(part for part, _ in sides[1]):
        names = [[name for of, name in side if of == part] for side in sides]
        pairs = {name: name for name in names[1] if name in names[0]}
        # The number of expectations is in the stage's name.
        unmatched = [[name for name in side if name not in pairs] for side in names]
        if [len(side) for side in unmatched] == [1, 1]:
            pairs[unmatched[1][0]] = unmatched[0][0]
        for name, earlier in pairs.items():
            yield Change(f"{part}: {name}", sides[0][part, earlier], sides[1][part, name])


def _by_name(results: Sequence[Results]) -> dict[tuple[str, str], list[Measurement]]:
    found: dict[tuple[str, str], list[Measurement]] = {}
    for one in results:
        for measured in one.measurements.values():
            found.setdefault((measured.stage.part, measured.stage.name), []).append(measured)
    return found


def table_of(changes: Sequence[Change]) -> Table:
    """A row a stage: medians of seconds, and how many times as long it takes now, with the least and the most."""
    table = Table("stage", box=None, header_style="bold", pad_edge=False)
    for heading in ("before s", "now s", "now / before", "in CPU", "floor's now / before"):
        table.add_column(heading, justify="right")
    for change in changes:
        seconds = [
            median(each for each in (measured.seconds(PLATFORM) for measured in side) if each is not None)
            for side in (change.before, change.now)
        ]
        ratios = (change.ratios(), change.ratios(unit="cpu"), change.ratios(FLOOR))
        name = f"[bold red]{change.name}[/]" if change.is_slower else change.name
        table.add_row(name, *(f"{each:,.2f}" for each in seconds), *(_spread(each) for each in ratios))
    return table


def _spread(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else ""
