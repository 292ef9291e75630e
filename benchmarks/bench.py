"""What every part of the benchmark works with: the settings of a run, and the taking of turns."""

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
    """A stage, and what runs one turn of it: floor and platform one after the other, and who else takes part.

    What there is to note of a turn beside its cost goes into the measurement that the turn is given. A long stage says
    how many turns it takes at most.
    """

    stage: Stage
    turn: Callable[[Measurement], Turn]
    most_turns: int | None = None


@dataclass
class Bench:
    """Settings: trips in the history, turns of each stage, DuckDB's memory limit for all, a folder to work in.

    `histories` are lengths of it, in months, that builds are measured with. `only` is text that a stage must have in
    its name, `keep` is told the results after every turn.
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
        """Measure the stages in turns, so that what else the machine does falls on all of them.

        Raises:
            BenchmarkError: a stage failed, or what it made is not what it should be.
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
        """Whether the stage was among those asked for, and had a turn."""
        found = self.results.find(stage.part, stage.name)
        return found is not None and bool(found.turns)

    def say(self, text: str) -> None:
        """Tell who waits what is being done, and for how long it has been."""
        minutes, seconds = divmod(round(time.monotonic() - self._begun), 60)
        self.console.print(f"{minutes:3}:{seconds:02}  {text}", style="dim", highlight=False)


def copy_database(source: Path, target: Path) -> None:
    """Put a copy of a closed DuckDB file in the place of another."""
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    shutil.copyfile(source, target)
