"""What the gap planner prints, as text and as plain data for JSON.

Reasons and errors come from others: they are printed as text, never as markup.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingestion.catalog import FEEDS
from ingestion.errors import printable
from ingestion.gap_plan import Planned
from ingestion.gap_survey import Survey
from ingestion.partitions import Partition
from ingestion.publication import Gap, State
from warehouse.accepted_gaps import AcceptedGap
from warehouse.periods import Period, compress, word_for
from warehouse.terminal import Style

_ACCEPTED = "accepted"
_STYLES: dict[str, str] = {
    State.LOADED: Style.GOOD,
    State.MISSING: Style.BAD,
    State.REFUSED: Style.BAD,
    State.REPLACED: Style.WARNING,
    State.OVERDUE: Style.WARNING,
    State.NOT_PUBLISHED: Style.UNIMPORTANT,
    Gap.THIN: Style.WARNING,
    _ACCEPTED: Style.UNIMPORTANT,
}
_STATES = {state: number for number, state in enumerate(State)}
# A pipe has no width to fit into.
_PIPED_WIDTH = 10_000


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold", pad_edge=False)


def print_gaps(found: Survey) -> None:
    """Print where the periods of each feed stand: a line for each state and reason. Lines are never cut."""
    console = _console()
    period = word_for(planned.partition.feed.grain for planned in found.plan)
    table = _table("feed", "state")
    table.add_column(f"{period}s", justify="right")
    table.add_column("which", overflow="fold")
    for feed, of_feed in groupby(found.plan, key=lambda planned: planned.partition.feed):
        for (state, why), periods in _lines(list(of_feed)).items():
            which = compress(periods, feed.calendar.expected) + (f": {why}" if why else "")
            table.add_row(Text(feed.name), Text(state, _STYLES[state]), Text(str(len(periods))), Text(which))
    console.print(table)
    for publisher, reason in found.unreachable.items():
        feeds = _feeds_of(publisher, found.plan)
        console.print(f"\n[bold red]{publisher} could not be asked[/]; {feeds} judged by date alone: ", end="")
        console.print(printable(reason), markup=False, soft_wrap=True)
    if found.incomparable:
        names = ", ".join(found.incomparable)
        grain = word_for(FEEDS[name].grain for name in found.incomparable)
        console.print(
            f"\n{names}: whether a loaded {grain} was replaced cannot be told without fetching it.", soft_wrap=True
        )
    console.print(f"\n{_conclusion(found)}", markup=False, soft_wrap=True)


def _lines(planned: Sequence[Planned]) -> dict[tuple[str, str], list[Period]]:
    """The lines of one feed: its periods by state and reason, states in their order, then thin and accepted ones."""
    lines: dict[tuple[str, str], list[Period]] = {}
    for one in sorted(planned, key=lambda one: _STATES[one.state]):
        if one.state.gap not in one.accepted:
            lines.setdefault((one.state, one.note), []).append(one.partition.period)
    for one in planned:
        if Gap.THIN in one.open_gaps:
            lines.setdefault((Gap.THIN, "; ".join(one.thin)), []).append(one.partition.period)
        for gap, reason in one.accepted.items():
            why = "".join(f", {thin}" for thin in one.thin) if gap is Gap.THIN else ""
            lines.setdefault((_ACCEPTED, f"{gap}{why}; accepted ({reason})"), []).append(one.partition.period)
    return lines


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
    """Print how to load what can be loaded, and how to accept what will stay as it is."""
    console = _console()
    if found.to_fill:
        console.print("To load them: the same command with --fill", soft_wrap=True)
    for gap, until in ((Gap.OVERDUE, "they are published"), (Gap.REFUSED, "the keys or their subscription change")):
        partitions = [one.partition for one in found.plan if gap in one.open_gaps]
        if partitions:
            period = word_for(partition.feed.grain for partition in partitions)
            console.print(
                f"{gap.capitalize()} {period}s cannot be loaded until {until}. To accept that one will not come: "
                + accept_command(partitions[-1:]),
                markup=False,
                soft_wrap=True,
            )


def print_still_thin(partitions: Collection[Partition]) -> None:
    """Print which partitions are still thin after they were looked at again, and how to accept them."""
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
    """The command that accepts these partitions, for copying."""
    named = ",".join(f"{partition.feed.name}:{partition.key}" for partition in partitions)
    return f"python -m ingestion.gaps --accept {named} --reason 'say why'"


def print_accepted(accepted: Sequence[tuple[AcceptedGap, str]]) -> None:
    """Print what is accepted, each with a note if it no longer holds."""
    period = word_for(FEEDS[gap.asset].grain for gap, _ in accepted if gap.asset in FEEDS)
    table = _table("feed", period, "state", "accepted by", "at (UTC)")
    table.add_column("reason", overflow="fold")
    for gap, note in accepted:
        reason = gap.reason + (f" ({note})" if note else "")
        cells = (gap.asset, gap.partition_key, gap.state, gap.accepted_by, f"{gap.accepted_at:%Y-%m-%d %H:%M}", reason)
        table.add_row(*(Text(cell) for cell in cells))
    _console().print(table if table.row_count else "Nothing is accepted.")


def plan_as_data(plan: Iterable[Planned]) -> list[dict[str, Any]]:
    """Where each partition stands, in plain types.

    `gaps` has all that is wrong with it, `accepted` the reasons of those that a person accepted, by gap. `note` says
    more of the state, and `thin` why a loaded partition seems incomplete.
    """
    return [
        {
            "feed": planned.partition.feed.name,
            "period": planned.partition.key,
            "state": planned.state.value,
            "gaps": [gap.value for gap in planned.gaps],
            "accepted": {gap.value: reason for gap, reason in planned.accepted.items()},
            "note": planned.note,
            "thin": list(planned.thin),
        }
        for planned in plan
    ]


def accepted_as_data(accepted: Iterable[tuple[AcceptedGap, str]]) -> list[dict[str, Any]]:
    """What is accepted, in plain types. `note` says why it no longer holds, and is empty if it does."""
    return [
        {
            "feed": gap.asset,
            "period": gap.partition_key,
            "state": gap.state,
            "reason": gap.reason,
            "accepted_by": gap.accepted_by,
            "accepted_at": f"{gap.accepted_at.isoformat(timespec='seconds')}Z",
            "note": note,
        }
        for gap, note in accepted
    ]
