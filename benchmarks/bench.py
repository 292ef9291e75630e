"""The settings of a benchmark run, and how stages take turns."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.samples import HISTORY_LENGTHS
from benchmarks.stages import Measurement, Results, Stage, Turn


@dataclass(frozen=True)
class Contest:
    """A stage, and a function that runs one turn of it: floor and platform one after the other, perhaps the plain way.

    The function may add notes to the measurement that it is given. A long stage limits its turns.
    """

    stage: Stage
    turn: Callable[[Measurement], Turn]
    most_turns: int | None = None


@dataclass
class Bench:
    """Settings: trips in the history, turns of each stage, DuckDB's memory limit for all, a folder to work in.

    `histories` are the lengths, in months, that builds are measured with. `only` is text that a stage's name must
    contain. `keep` gets the results after every turn.
    """

    trips: int
    runs: int
    memory_limit: str
    folder: Path
    results: Results
    histories: Sequence[int] = HISTORY_LENGTHS
    only: str = ""
    keep: Callable[[Results], None] = lambda _: None
    console: Console = field(default_factory=lambda: Console(stderr=True))
    _begun: float = field(default_factory=time.monotonic)

    def take_turns(self, contests: Sequence[Contest]) -> None:
        """Measure the stages in turns, so that other work on the machine affects all of them.

        Raises:
            BenchmarkError: a stage failed, or its rows are wrong.
        """
        for turn in range(self.runs):
            for contest in contests:
                stage, turns = contest.stage, min(self.runs, contest.most_turns or self.runs)
                if turn < turns and self.only in stage.name:
                    self.say(f"{stage.part}: {stage.name}, turn {turn + 1} of {turns}")
                    measured = self.results.of(stage)
                    measured.turns.append(contest.turn(measured))
                    self.keep(self.results)

    def has_measured(self, stage: Stage) -> bool:
        """Whether the stage had a turn."""
        found = self.results.find(stage.part, stage.name)
        return found is not None and bool(found.turns)

    def say(self, text: str) -> None:
        """Print what is being done, and how long the benchmark has been running."""
        minutes, seconds = divmod(round(time.monotonic() - self._begun), 60)
        self.console.print(f"{minutes:3}:{seconds:02}  {text}", style="dim", highlight=False)


def copy_database(source: Path, target: Path) -> None:
    """Replace a DuckDB file by a copy of another, closed one."""
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    shutil.copyfile(source, target)
