"""Tables and a picture of the race: seconds, CPU and memory of everybody, and whom the platform is ahead of."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from rich.table import Table

from benchmarks.machine import sentence
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Results

LEFT_OUT = "left out"

_COLOURS = {FLOOR: "#8a8a8a", PLATFORM: "#1f6fb4"}
_OTHER_COLOURS = ("#d1495b", "#edae49", "#00798c", "#8f5d9f", "#5b8e3e", "#b8673a")
_MARKERS = "sD^vPX"


def who_took_part(results: Results) -> list[str]:
    """The platform, the floor, and the peers that did at least one stage, in the order of the turns."""
    names = [who for measured in results.measurements.values() for turn in measured.turns for who in turn]
    return list(dict.fromkeys([PLATFORM, FLOOR, *names]))


def table_of(results: Results) -> Table:
    """Wall seconds: medians, and in brackets the least and the most."""
    names = who_took_part(results)
    table = Table("stage", box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, justify="right")
    for measured in results.measurements.values():
        table.add_row(measured.stage.name, *(_cell(measured, name) for name in names))
    return table


def markdown_of(results: Results) -> str:
    """The same as Markdown, then CPU seconds and memory, whom the platform is ahead of, and who was left out."""
    names = who_took_part(results)
    lines = [f"{sentence(results.about)}."]
    for title, cell in (
        ("Wall seconds", _cell),
        ("CPU seconds", lambda measured, name: _number(measured.seconds(name, "cpu"), ",.2f")),
        ("Most memory, MB", lambda measured, name: _number(measured.peak_mb(name), ",.0f")),
    ):
        lines += ["", f"| {title} | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
        for measured in results.measurements.values():
            lines.append(f"| {measured.stage.name} | {' | '.join(cell(measured, name) for name in names)} |")
    return "\n".join([*lines, "", *(f"- {line}" for line in conclusions(results))]) + "\n"


def conclusions(results: Results) -> list[str]:
    """A line a stage: whom the platform is ahead of, and who is ahead of it; then notes, and who was left out."""
    lines = [line for measured in results.measurements.values() if (line := _standing(measured))]
    for measured in results.measurements.values():
        if measured.notes:
            lines.append(f"{measured.stage.name}: {', '.join(_notes(measured))}")
    return [*lines, *(f"{LEFT_OUT}: {name}: {why}" for name, why in results.about.get(LEFT_OUT, {}).items())]


def draw(results: Results, path: Path) -> None:
    """Write a picture as PNG: a row a stage, a mark for everybody, on a logarithmic scale."""
    matplotlib.use("Agg")
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    axes = figure.subplots()
    stages = list(results.measurements.values())[::-1]
    for place, name in enumerate(who_took_part(results)):
        colour = _COLOURS.get(name, _OTHER_COLOURS[place % len(_OTHER_COLOURS)])
        marker = "o" if name in _COLOURS else _MARKERS[place % len(_MARKERS)]
        points = [(row, measured) for row, measured in enumerate(stages) if measured.costs(name)]
        for row, measured in points:
            walls = [cost.wall for cost in measured.costs(name)]
            axes.plot([min(walls), max(walls)], [row, row], color=colour, linewidth=2, alpha=0.6)
        axes.plot(
            [measured.seconds(name) or 0 for _, measured in points],
            [row for row, _ in points],
            marker,
            color=colour,
            label=name,
            markersize=9 if name == PLATFORM else 7,
        )
    axes.set_xscale("log")
    axes.set_yticks(range(len(stages)), [measured.stage.name for measured in stages])
    axes.set(xlabel="wall seconds of the whole process, log scale", title="The same facts and answers, by whom")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(sentence(results.about), fontsize=7, color="#555555")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _cell(measured: Measurement, name: str) -> str:
    walls = [cost.wall for cost in measured.costs(name)]
    spread = f" ({min(walls):.2f}-{max(walls):.2f})" if len(walls) > 1 else ""
    return _number(measured.seconds(name), ",.2f") + spread


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _standing(measured: Measurement) -> str:
    """Whom the platform is ahead of in a stage and by how much, and who is ahead of it."""
    platform = measured.seconds(PLATFORM)
    if platform is None:
        return ""
    others = sorted(
        (seconds, name)
        for name in dict.fromkeys(name for turn in measured.turns for name in turn)
        if name not in (PLATFORM, FLOOR) and (seconds := measured.seconds(name)) is not None
    )
    behind = [f"{name} ({seconds / platform:.1f} x)" for seconds, name in others if seconds > platform]
    ahead = [f"{name} ({platform / seconds:.1f} x as fast)" for seconds, name in others if seconds <= platform]
    parts = [f"ahead of {', '.join(behind)}"] if behind else []
    parts += [f"behind {', '.join(ahead)}"] if ahead else []
    return f"{measured.stage.name}: platform {platform:.2f} s; {'; '.join(parts) or 'nobody else took part'}"


def _notes(measured: Measurement) -> list[str]:
    return [f"{note}: {value:,.0f}" for note, value in measured.notes.items()]
