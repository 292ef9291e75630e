"""Tables of the figures for the terminal and for documents, and whether the goals are met."""

from collections.abc import Callable
from statistics import median

from rich.table import Table

from benchmarks.machine import sentence
from benchmarks.stages import FLOOR, PLAIN, PLATFORM, Measurement, Results

# The ratio of a new month after the longest history to one after the shortest.
FLAT_GOAL = 1.15
# Beyond dbt's own start.
NOTHING_TO_DO_GOAL_SECONDS = 1.5


def _number(value: float | None, form: str = ",.2f") -> str:
    return "" if value is None else format(value, form)


def _spread(values: list[float]) -> str:
    return f" ({min(values):.2f}-{max(values):.2f})" if len(values) > 1 else ""


def _seconds(measured: Measurement) -> str:
    return _number(measured.seconds(PLATFORM)) + _spread([cost.wall for cost in measured.costs(PLATFORM)])


def _ratio(measured: Measurement) -> str:
    return _number(measured.ratio()) + _spread(measured.ratios())


def _rows_a_second(measured: Measurement) -> str:
    seconds = measured.seconds(PLATFORM)
    return f"{measured.stage.rows / seconds:,.0f}" if seconds and measured.stage.rows else ""


# Column headings and their values. Seconds are wall seconds unless the heading says CPU.
_COLUMNS: dict[str, Callable[[Measurement], str]] = {
    "rows": lambda measured: f"{measured.stage.rows:,}" if measured.stage.rows else "",
    "floor s": lambda measured: _number(measured.seconds(FLOOR)),
    "platform s": _seconds,
    "ratio": _ratio,
    "goal": lambda measured: _number(measured.stage.goal, "g"),
    "CPU s": lambda measured: _number(measured.seconds(PLATFORM, "cpu")),
    "CPU ratio": lambda measured: _number(measured.ratio(unit="cpu")),
    "plain ratio": lambda measured: _number(measured.ratio(PLAIN), ",.1f"),
    "rows / s": _rows_a_second,
    "peak MB": lambda measured: _number(measured.peak_mb(PLATFORM), ",.0f"),
    "floor's peak MB": lambda measured: _number(measured.peak_mb(FLOOR), ",.0f"),
    "file MB": lambda measured: _number(measured.file_mb, ",.0f"),
}
# Left out of documents, which are narrower.
_FOR_THE_TERMINAL = ("CPU s", "floor's peak MB")


def table_of(results: Results) -> Table:
    """A row a stage: medians, and in brackets the least and the most."""
    table = Table("stage", box=None, header_style="bold", pad_edge=False)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right")
    part = ""
    for measured in results.measurements.values():
        if measured.stage.part != part:
            part = measured.stage.part
            table.add_section()
        table.add_row(_name(measured), *(cell(measured) for cell in _COLUMNS.values()))
    return table


def markdown_of(results: Results) -> str:
    """The same table as Markdown, with a description above and the goals below."""
    columns = {heading: cell for heading, cell in _COLUMNS.items() if heading not in _FOR_THE_TERMINAL}
    lines = [f"{sentence(results.about)}.", "", f"| stage | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for measured in results.measurements.values():
        lines.append(f"| {_name(measured)} | {' | '.join(cell(measured) for cell in columns.values())} |")
    return "\n".join([*lines, "", *(f"- {line}" for line in conclusions(results))]) + "\n"


def _name(measured: Measurement) -> str:
    return f"{measured.stage.part}: {measured.stage.name}"


def conclusions(results: Results) -> list[str]:
    """A line for each goal that was measured, and for each note."""
    lines = []
    for measured in results.measurements.values():
        goal, ratio, cpu = measured.stage.goal, measured.ratio(), measured.ratio(unit="cpu")
        if goal and ratio and cpu:
            lines.append(f"{_name(measured)}: {ratio:.2f} x its floor, {cpu:.2f} in CPU; {_verdict(ratio, goal)}")
        lines += [f"{_name(measured)}: {note}: {value:,.0f}" for note, value in measured.notes.items()]
    return [*lines, *_flatness(results), *_idleness(results)]


def _flatness(results: Results) -> list[str]:
    """A new month after the longest history against one after the shortest: built, and published."""
    parts = {each.stage.part: results.new_months(each.stage.part) for each in results.measurements.values()}
    return [_growth(part, months[0], months[-1]) for part, months in parts.items() if len(months) > 1]


def _growth(part: str, shortest: Measurement, longest: Measurement) -> str:
    # Turn by turn, so that both had the same conditions.
    pairs = list(zip(longest.costs(PLATFORM), shortest.costs(PLATFORM), strict=False))
    growth = {
        unit: median(getattr(long, unit) / getattr(short, unit) for long, short in pairs) for unit in ("wall", "cpu")
    }
    return (
        f"{part}: a new month after {longest.stage.months} months against one after {shortest.stage.months}: "
        f"{growth['wall']:.2f} x, {growth['cpu']:.2f} in CPU; {_verdict(growth['wall'], FLAT_GOAL)}"
    )


def _idleness(results: Results) -> list[str]:
    idle = results.find("build", "nothing to do")
    seconds = idle.seconds(PLATFORM) if idle else None
    if seconds is None:
        return []
    return [f"nothing to do: {seconds:.2f} s beyond dbt's own start; {_verdict(seconds, NOTHING_TO_DO_GOAL_SECONDS)}"]


def _verdict(value: float, goal: float) -> str:
    return f"goal {goal:g} {'met' if value <= goal else 'missed'}"
