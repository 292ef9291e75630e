"""Stages and their measurements, in one form for every part of the benchmark."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import Cost

# Who does the work: hand-written SQL, this project, and the way most such projects do it.
FLOOR, PLATFORM, PLAIN = "floor", "platform", "plain"

# The cost of one turn of a stage, by who did the work; with a start, if that is subtracted.
Turn = Mapping[str, Cost]


def start_of(who: str) -> str:
    """The name of the start of one of them in a turn."""
    return f"{who} start"


@dataclass(frozen=True)
class Stage:
    """A piece of work that is measured.

    `rows` is how many rows it handles. `months` is how many months of history the warehouse had before, or 0 if that
    does not matter. `goal` is the wanted ratio to the floor's wall seconds.
    """

    part: str
    name: str
    rows: int
    floor: str = ""
    goal: float | None = None
    months: int = 0


@dataclass
class Measurement:
    """All turns of a stage, the size of the database after it, and notes."""

    stage: Stage
    turns: list[Turn] = field(default_factory=list)
    file_mb: float | None = None
    notes: dict[str, float] = field(default_factory=dict)

    def costs(self, who: str) -> list[Cost]:
        """The costs of one of them, in each turn that it took part in, without its start if that was measured.

        The start is the median of all turns: a start that was slow by chance would make the work look fast.
        """
        starts = [turn[start_of(who)] for turn in self.turns if start_of(who) in turn]
        start = Cost(median(cost.wall for cost in starts), median(cost.cpu for cost in starts), 0) if starts else None
        return [turn[who].beyond(start) if start else turn[who] for turn in self.turns if who in turn]

    def seconds(self, who: str, unit: str = "wall") -> float | None:
        """The median of the wall (or `cpu`) seconds."""
        costs = self.costs(who)
        return median(getattr(cost, unit) for cost in costs) if costs else None

    def peak_mb(self, who: str) -> float | None:
        """The most memory of all turns, in MB."""
        return max((cost.peak_mb for cost in self.costs(who)), default=None)

    def ratios(self, who: str = PLATFORM, unit: str = "wall") -> list[float]:
        """How many times as long as the floor it took, turn by turn, so that both had the same conditions."""
        both = Measurement(self.stage, [turn for turn in self.turns if who in turn and FLOOR in turn])
        return [
            getattr(cost, unit) / getattr(other, unit)
            for cost, other in zip(both.costs(who), both.costs(FLOOR), strict=True)
        ]

    def ratio(self, who: str = PLATFORM, unit: str = "wall") -> float | None:
        """The median of the ratios."""
        ratios = self.ratios(who, unit)
        return median(ratios) if ratios else None


@dataclass
class Results:
    """The measurements of a benchmark run, with the machine and the settings."""

    about: dict[str, Any]
    measurements: dict[str, Measurement] = field(default_factory=dict)

    def of(self, stage: Stage) -> Measurement:
        """The stage's measurement, created if there is none."""
        return self.measurements.setdefault(f"{stage.part}: {stage.name}", Measurement(stage))

    def find(self, part: str, name: str) -> Measurement | None:
        """The measurement of a stage, if it was measured."""
        return self.measurements.get(f"{part}: {name}")

    def new_months(self, part: str) -> list[Measurement]:
        """What a part measured of a new month, from the shortest history to the longest."""
        measured = [
            each
            for each in self.measurements.values()
            if each.stage.part == part and each.stage.name.startswith("new month") and each.costs(PLATFORM)
        ]
        return sorted(measured, key=lambda each: each.stage.months)

    def write(self, path: Path) -> None:
        """Write every figure as JSON."""
        figures = {"about": self.about, "stages": [asdict(measured) for measured in self.measurements.values()]}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read what `write` wrote."""
        figures = json.loads(path.read_text())
        results = cls(figures["about"])
        for kept in figures["stages"]:
            measured = results.of(Stage(**kept["stage"]))
            measured.turns = [{who: Cost(**cost) for who, cost in turn.items()} for turn in kept["turns"]]
            measured.file_mb, measured.notes = kept["file_mb"], kept["notes"]
        return results
