"""What the figures of a benchmark of dbt's build come to: a table, and how far they are from the goals."""

from collections.abc import Sequence
from statistics import median

from rich.table import Table

from benchmarks.dbt_runs import DbtRun
from benchmarks.scenarios import FloorRun, Measured

Results = dict[str, list[Measured]]


def table_of(results: Results) -> Table:
    """A row a scenario, medians; of the seconds that dbt took also the least and the most."""
    table = Table("", box=None, header_style="bold", pad_edge=False)
    for name in (
        "floor s",
        "dbt s",
        "own start s",
        "building s",
        "ratio",
        "floor CPU s",
        "building CPU s",
        "CPU ratio",
        "models s",
        "floor peak MB",
        "peak MB",
        "file MB",
    ):
        table.add_column(name, justify="right")
    for name, runs in results.items():
        table.add_row(name, *_figures(runs))
    return table


def _figures(runs: list[Measured]) -> list[str]:
    building, floor = _beyond_start(runs), _floor(runs)
    walls = [run.dbt.wall for run in runs]
    floor_peaks = [run.floor.peak_mb for run in runs if run.floor]
    return [
        f"{floor['wall']:.2f}" if floor else "",
        f"{median(run.dbt.whole.wall for run in runs):.2f}",
        f"{median(run.dbt.start.wall for run in runs):.2f}",
        f"{building['wall']:.2f} ({min(walls):.2f}-{max(walls):.2f})",
        f"{building['wall'] / floor['wall']:.2f}" if floor else "",
        f"{floor['CPU']:.2f}" if floor else "",
        f"{building['CPU']:.2f}",
        f"{building['CPU'] / floor['CPU']:.2f}" if floor else "",
        f"{median(run.dbt.model_seconds for run in runs):.2f}",
        f"{max(floor_peaks):,.0f}" if floor_peaks else "",
        f"{max(run.dbt.whole.peak_mb for run in runs):,.0f}",
        f"{max(run.file_mb for run in runs):,.0f}",
    ]


def goals(results: Results) -> list[str]:
    """A line for each goal that was measured: what it is, and what came, in wall and in CPU seconds."""
    lines = []
    idle = _beyond_start(results.get("nothing to do", []))
    for name in ("full refresh", "new month, 3 of history", "new month, 24 of history"):
        if name not in results:
            continue
        building, floor = _beyond_start(results[name]), _floor(results[name])
        line = f"{name}: {_ratio(building, floor)} of its floor; goal 1.3"
        if idle:
            rest = {unit: building[unit] - idle[unit] for unit in building}
            line += f". Without what a run with nothing to do takes, too: {_ratio(rest, floor)}"
        lines.append(line)
    short, long = (_beyond_start(results.get(f"new month, {months} of history", [])) for months in (3, 24))
    if short and long:
        lines.append(f"new month, 24 of history: {_ratio(long, short)} of that with 3; goal 1.15")
    if idle:
        lines.append(
            f"nothing to do: {idle['wall']:.2f} s beyond dbt's own start ({idle['CPU']:.2f} CPU s); goal 1.5 s"
        )
    return lines


def _ratio(figures: dict[str, float], of: dict[str, float]) -> str:
    return f"{figures['wall'] / of['wall']:.2f} ({figures['CPU'] / of['CPU']:.2f} in CPU)"


def _beyond_start(runs: list[Measured]) -> dict[str, float]:
    return _medians([run.dbt for run in runs])


def _floor(runs: list[Measured]) -> dict[str, float]:
    return _medians([run.floor for run in runs if run.floor])


def _medians(costs: Sequence[DbtRun | FloorRun]) -> dict[str, float]:
    """Wall and CPU seconds; empty where nothing was run."""
    if not costs:
        return {}
    return {"wall": median(cost.wall for cost in costs), "CPU": median(cost.cpu for cost in costs)}
