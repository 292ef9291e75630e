"""One stage after the other, and in each stage everybody in turn, so that other work on the machine affects all.

Whoever fails in a stage, or takes more than the limits allow, takes no further part; why is kept with the results.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import Bench, Contest
from benchmarks.peers.command import STAGES
from benchmarks.peers.compare import Digest, require_same_answers, require_same_fact
from benchmarks.peers.contestants import Contestant, questions
from benchmarks.peers.facts import FACTS
from benchmarks.peers.files import changed_month, peers_files
from benchmarks.processes import BenchmarkError, Cost
from benchmarks.samples import HISTORY, NEW_MONTH, rows_a_month
from benchmarks.stages import PLATFORM, Measurement, Stage, Turn

PART = "peers"

# The whole history is loaded once, and copied for further turns: it is long, and its parts are measured as `load`.
_ALL = "load all"
_ROWS = (STAGES[0], _ALL, *STAGES[1:])

# After these stages facts are compared, and after those answers.
_CHANGING, _ASKING = ("refresh", "new", "again"), ("metric", "dashboards")


@dataclass
class Race:
    """Everybody with their stores, the platform first, and the files of so many months.

    `left_out` gets a reason for each who takes no further part.
    """

    bench: Bench
    months: int
    contestants: Sequence[Contestant]
    left_out: dict[str, str]
    _expected: dict[tuple[str, str], Digest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bench.say("making the files")
        self._files = peers_files(self.bench.trips, self.months)

    def run(self) -> None:
        """Measure all stages in turns.

        Raises:
            BenchmarkError: the platform itself failed: there is nothing to compare with.
        """
        self.bench.take_turns([self._contest(stage) for stage in _ROWS])

    def _contest(self, name: str) -> Contest:
        month = rows_a_month(self.bench.trips)
        rows = {
            "load": sum(month.values()),
            "new": sum(month.values()),
            "again": month["yellow"],
        }
        stage = Stage(PART, name, rows.get(name, self.months * sum(month.values())), months=self.months)
        return Contest(stage, lambda measured: self._turn(name, measured), 1 if name == _ALL else None)

    def _turn(self, stage: str, measured: Measurement) -> Turn:
        turn: dict[str, Cost] = {}
        for contestant in self.contestants:
            if contestant.name in self.left_out:
                continue
            self.bench.say(f"  {contestant.name}")
            try:
                turn[contestant.name] = self._measure(contestant, stage, measured)
            except BenchmarkError as error:
                if contestant.name == PLATFORM:
                    raise
                self.left_out[contestant.name] = f"{stage}: {_last_line(error)}"
                self.bench.say(f"  {contestant.name} takes no further part: {error}")
                _clear(contestant.store)
                _clear(_loaded(contestant.store))
        return turn

    def _measure(self, contestant: Contestant, stage: str, measured: Measurement) -> Cost:
        self._before(contestant, stage)
        cost = contestant.run("load" if stage == _ALL else stage, *self._given(stage))
        if stage == _ALL:
            contestant.prepare()
            if self.bench.runs > 1:
                shutil.copytree(contestant.store, _loaded(contestant.store), symlinks=True)
        if not measured.turns:
            self._compare(contestant, stage)
            if stage == "refresh":
                measured.notes[f"MB in the store of {contestant.name}"] = _size_mb(contestant.store)
        return cost

    def _given(self, stage: str) -> tuple[Path, list[str]]:
        """The files and months of a stage."""
        if stage == "load":
            return self._files / "history", [f"{HISTORY[-1]:%Y-%m}"]
        if stage == "new":
            return self._files / "new", [f"{NEW_MONTH:%Y-%m}"]
        if stage == "again":
            return self._files / "again", [f"{changed_month(self.months):%Y-%m}"]
        return self._files / "history", []

    def _before(self, contestant: Contestant, stage: str) -> None:
        """Empty the store before what loads into an empty one; put the whole history into it for a further refresh."""
        if stage in ("load", _ALL):
            _clear(contestant.store)
        elif stage == "refresh" and self._is_further_turn():
            _clear(contestant.store)
            shutil.copytree(_loaded(contestant.store), contestant.store, symlinks=True)

    def _is_further_turn(self) -> bool:
        refreshed = self.bench.results.find(PART, "refresh")
        return refreshed is not None and bool(refreshed.turns)

    def _compare(self, contestant: Contestant, stage: str) -> None:
        if stage in _CHANGING:
            for fact in FACTS:
                digest = contestant.digest(fact)
                if contestant.name == PLATFORM:
                    self._expected[stage, fact] = digest
                require_same_fact(self._expected[stage, fact], digest, fact, contestant.name)
        if stage in _ASKING:
            places = {name: self.bench.folder / f"answers-of-{name}" for name in (PLATFORM, contestant.name)}
            contestant.answer(stage, self._files / "history", places[contestant.name])
            require_same_answers(places[PLATFORM], places[contestant.name], questions(stage), contestant.name)


def _loaded(store: Path) -> Path:
    """Where the store is kept as it was with the whole history loaded, and no facts."""
    return store.with_name(f"{store.name}-loaded")


def _clear(store: Path) -> None:
    shutil.rmtree(store, ignore_errors=True)


def _size_mb(store: Path) -> float:
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file()) / 1024**2


def _last_line(error: BenchmarkError) -> str:
    """What a failed process said last, or the whole of a shorter message."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("{")]
    return lines[-1].strip()
