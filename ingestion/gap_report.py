"""What the gap planner prints. Reasons and errors come from others: they are printed as text, never as markup."""

from collections.abc import Collection, Iterable
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingestion.errors import printable
from ingestion.gap_plan import Planned
from ingestion.gap_survey import Survey
from ingestion.partitions import Partition
from ingestion.publication import Gap, State
from warehouse.accepted_gaps import AcceptedGap
from warehouse.periods import Period, compress

_STYLES = {
    State.LOADED: "green",
    State.MISSING: "bold red",
    State.REPLACED: "yellow",
    State.OVERDUE: "yellow",
    State.NOT_PUBLISHED: "dim",
}
_PIPED_WIDTH = 10_000  # a pipe has no width to fit into

Line = tuple[Text, list[Period], str]
"""A state, its months, and why."""


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold", pad_edge=False)


def print_gaps(found: Survey) -> None:
    """Print where the months of each feed stand, a line for each state and reason; lines are never cut."""
    console = _console()
    table = _table("feed", "state")
    table.add_column("months", justify="right")
    table.add_column("which", overflow="fold")
    for feed, planned in groupby(found.plan, key=lambda planned: planned.partition.feed.name):
        for state, months, why in _lines(list(planned)):
            which = compress(months) + (f": {why}" if why else "")
            table.add_row(Text(feed), state, Text(str(len(months))), Text(which))
    console.print(table)
    for publisher, reason in found.unreachable.items():
        feeds = _feeds_of(publisher, found.plan)
        console.print(f"\n[bold red]{publisher} could not be asked[/]; {feeds} judged by date alone: ", end="")
        console.print(printable(reason), markup=False, soft_wrap=True)
    if found.incomparable:
        names = ", ".join(found.incomparable)
        console.print(
            f"\n{names}: whether a loaded month was replaced cannot be told without fetching it.", soft_wrap=True
        )
    console.print(f"\n{_conclusion(found)}", markup=False, soft_wrap=True)


def _lines(planned: list[Planned]) -> list[Line]:
    """The lines of one feed."""
    lines: list[Line] = []
    for state in State:
        of_state = [one for one in planned if one.state is state and not _is_accepted_as(state, one)]
        for note in dict.fromkeys(one.note for one in of_state):
            months = [one.partition.period for one in of_state if one.note == note]
            lines.append((Text(state, _STYLES[state]), months, note))
    for one in planned:
        if Gap.THIN in one.open_gaps:
            lines.append((Text("thin", "yellow"), [one.partition.period], "; ".join(one.thin)))
        for gap, reason in one.accepted.items():
            why = "".join(f", {thin}" for thin in one.thin) if gap is Gap.THIN else ""
            lines.append((Text("accepted", "dim"), [one.partition.period], f"{gap}{why}; accepted ({reason})"))
    return lines


def _is_accepted_as(state: State, planned: Planned) -> bool:
    return state.value in {gap.value for gap in planned.accepted}


def _feeds_of(publisher: str, plan: list[Planned]) -> str:
    feeds = dict.fromkeys(one.partition.feed for one in plan)
    return ", ".join(feed.name for feed in feeds if feed.publisher.name == publisher)


def _conclusion(found: Survey) -> str:
    counts = {gap: sum(gap in one.open_gaps for one in found.plan) for gap in Gap}
    accepted = sum(len(one.accepted) for one in found.plan)
    said = [f"{count} {gap}" for gap, count in counts.items() if count]
    if accepted:
        said.append(f"{accepted} accepted")
    if any(counts.values()):
        return f"{', '.join(said)}."
    nothing = "Nothing is missing"
    if found.unreachable:
        nothing += f" as far as can be told without {' and '.join(found.unreachable)}"
    return "; ".join([nothing, *said]) + "."


def print_what_to_do(found: Survey) -> None:
    """Print how to load what can be loaded, and how to accept what is as it will be."""
    console = _console()
    if found.to_fill:
        console.print("To load them: the same command with --fill", soft_wrap=True)
    overdue = [one.partition for one in found.plan if Gap.OVERDUE in one.open_gaps]
    if overdue:
        console.print(
            "Overdue months cannot be loaded until they are published. To accept that one will not come: "
            + accept_command(overdue[-1:]),
            markup=False,
            soft_wrap=True,
        )


def print_still_thin(partitions: Collection[Partition]) -> None:
    """Print which months are still thin though they were looked at again, and how to accept them."""
    if partitions:
        console = _console()
        named = ", ".join(str(partition) for partition in partitions)
        console.print(
            f"\nStill thin: {named}. The publisher has no more of them. To accept them as they are:\n"
            + accept_command(partitions),
            markup=False,
            soft_wrap=True,
        )


def accept_command(partitions: Iterable[Partition]) -> str:
    """The command that accepts these months, for copying."""
    named = ",".join(f"{partition.feed.name}:{partition.key}" for partition in partitions)
    return f"python -m ingestion.gaps --accept {named} --reason 'say why'"


def print_accepted(accepted: Iterable[tuple[AcceptedGap, str]]) -> None:
    """Print what is accepted, each with what has become of it since, if anything."""
    table = _table("feed", "month", "state", "accepted by", "at (UTC)")
    table.add_column("reason", overflow="fold")
    for gap, since in accepted:
        reason = gap.reason + (f" ({since})" if since else "")
        cells = (gap.asset, gap.partition_key, gap.state, gap.accepted_by, f"{gap.accepted_at:%Y-%m-%d %H:%M}", reason)
        table.add_row(*(Text(cell) for cell in cells))
    _console().print(table if table.row_count else "Nothing is accepted.")
