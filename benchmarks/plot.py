"""A picture of the figures: cost against rows, against months of history, and every stage against its floor."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.machine import sentence
from benchmarks.stages import FLOOR, PLAIN, PLATFORM, Measurement, Results

_COLOURS = {FLOOR: "#8a8a8a", PLATFORM: "#1f6fb4", PLAIN: "#d1495b"}
_LABELS = {FLOOR: "floor: SQL by hand", PLATFORM: "platform", PLAIN: "the plain way"}


def draw(results: Results, path: Path) -> None:
    """Write the picture as PNG."""
    matplotlib.use("Agg")
    measurements = list(results.measurements.values())
    figure = Figure(figsize=(15, 5.5), layout="constrained")
    rows_axes, history_axes, ratio_axes = figure.subplots(1, 3)
    full = [each for each in measurements if each.stage.name.startswith("full refresh")]
    _lines(rows_axes, [(each.stage.rows / 1e6, each) for each in full])
    rows_axes.set(title="Full refresh against rows", xlabel="million trips", ylabel="seconds")
    _lines(history_axes, [(each.stage.months, each) for each in results.new_months("build")])
    history_axes.set(title="Building a new month against history", xlabel="months of history", ylabel="seconds")
    _ratios(ratio_axes, measurements)
    figure.suptitle(sentence(results.about), fontsize=8, color="#555555")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _lines(axes: Axes, points: Sequence[tuple[float, Measurement]]) -> None:
    """A line for each of those who took part, with the spread of the turns."""
    for who, label in _LABELS.items():
        costs = [(x, [cost.wall for cost in measured.costs(who)]) for x, measured in points if measured.costs(who)]
        if costs:
            xs = [x for x, _ in costs]
            middles = [median(seconds) for _, seconds in costs]
            spread = [
                [middle - min(seconds) for middle, (_, seconds) in zip(middles, costs, strict=True)],
                [max(seconds) - middle for middle, (_, seconds) in zip(middles, costs, strict=True)],
            ]
            axes.errorbar(xs, middles, yerr=spread, color=_COLOURS[who], label=label, marker="o", capsize=3)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    if points:
        axes.legend(frameon=False)


def _ratios(axes: Axes, measurements: Sequence[Measurement]) -> None:
    """Every stage as a multiple of its floor, and the goal as a mark."""
    compared = [each for each in measurements if each.ratio()]
    for place, measured in enumerate(reversed(compared)):
        for who in (PLATFORM, PLAIN):
            ratios = measured.ratios(who)
            if ratios:
                axes.plot([min(ratios), max(ratios)], [place, place], color=_COLOURS[who], linewidth=2)
                axes.plot(median(ratios), place, "o", color=_COLOURS[who])
        if measured.stage.goal:
            axes.plot(measured.stage.goal, place, "|", color="black", markersize=12)
    axes.axvline(1, color=_COLOURS[FLOOR])
    axes.set_xscale("log")
    axes.set_yticks(range(len(compared)), [f"{each.stage.part}: {each.stage.name}" for each in reversed(compared)])
    axes.tick_params(axis="y", labelsize=8)
    axes.set(title="Seconds as a multiple of the floor (|: goal)", xlabel="log scale")
    axes.grid(alpha=0.3, axis="x")
