"""The part of Health about gaps: the grid, and why a cell is as it is."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from ingestion.gap_plan import Planned
from ingestion.ledger_gaps import LedgerState, accept_commands, due_on, load_command, reopen_commands
from ingestion.publication import Gap
from portal import filters
from portal.filters import choose
from portal.general.gap_grid import Look, counts, draw_grid, legend, look_of, name_of
from portal.states import show_commands
from portal.tables import table
from portal.texts import count, plain
from portal.view import View
from warehouse.accepted_gaps import AcceptedGap
from warehouse.verdict import PUBLISH_COMMANDS

_ALL = "all"
_CELL = "cell"

_RUNS_OF_CELL = """
    select
        runs.started_at as "started (UTC)",
        runs.started_by as by,
        assets.status,
        assets.rows,
        round(assets.seconds, 1) as seconds,
        coalesce(assets.load_id, '') as load,
        coalesce(assets.error, assets.note, '') as "error or note"
    from meta.ingestion_run_assets as assets
    inner join meta.ingestion_runs as runs using (run_id)
    where assets.asset = $feed and assets.partition_key = $period
    order by runs.started_at desc
    limit 5
"""


def show_gaps(view: View, plan: Sequence[Planned], state: LedgerState, now: date) -> None:
    """Draw the grid, and below it the cell that is chosen."""
    st.subheader("Gaps", anchor=False)
    if not plan:
        st.info("There are no gaps before something is loaded.", icon=":material/info:")
        return
    st.caption(
        "Every period of every feed, from the first that is loaded. Judged by date and by rows, without asking any "
        "publisher; to ask them: `nyc gaps`. Choose a cell to see why."
    )
    shown = _filtered(plan)
    st.html(legend(counts(shown)))
    rows = {f"{feed}:{key}": watermark.rows for (feed, key), watermark in state.watermarks.items()}
    draw_grid(shown, rows, key="gap-grid", cell_key=_CELL)
    # What is wrong comes first, and of that the newest: it is chosen until somebody chooses another.
    ordered = sorted(shown, key=lambda one: (not one.open_gaps, -one.partition.period.start.timestamp()))
    by_name = {name_of(planned): planned for planned in ordered}
    chosen = choose(_CELL, "Feed and period", list(by_name), default=next(iter(by_name)))
    _show_cell(view, by_name[chosen], state)


def _filtered(plan: Sequence[Planned]) -> list[Planned]:
    feeds = list(dict.fromkeys(planned.partition.feed.name for planned in plan))
    of_time = [planned for planned in plan if not planned.partition.feed.is_reference]
    years = sorted({f"{planned.partition.period.start:%Y}" for planned in of_time}, reverse=True)
    with filters.row("gaps"):
        feed = choose("feed", "Feed", [_ALL, *feeds], default=_ALL)
        year = choose("year", "Year", [_ALL, *years], default=_ALL)
    found = [
        planned
        for planned in plan
        if feed in (_ALL, planned.partition.feed.name) and year in (_ALL, f"{planned.partition.period.start:%Y}")
    ]
    # A feed may have nothing in a year.
    return found or list(plan)


def _show_cell(view: View, planned: Planned, state: LedgerState) -> None:
    partition = planned.partition
    key = (partition.feed.name, partition.key)
    with st.container(border=True):
        st.markdown(f"**{plain(str(partition))}**: {look_of(planned).value}")
        for line in _why(planned, state):
            st.markdown(plain(line))
        if watermark := state.watermarks.get(key):
            file = watermark.fingerprint
            st.markdown(plain(f"{count(watermark.rows)} rows of load {watermark.load_id}, from {file.url}"))
            marks = [file.last_modified and f"last modified {file.last_modified}", file.etag and f"ETag {file.etag}"]
            st.caption(plain(", ".join(filter(None, marks)) or "The publisher gave the file neither date nor ETag."))
        runs = view.rows(_RUNS_OF_CELL, feed=partition.feed.name, period=partition.key)
        if runs.empty:
            st.caption("No run has tried to load it.")
        else:
            table(runs, {"error or note": st.column_config.TextColumn("Error or note", width="large")})
        if commands := _commands(planned):
            show_commands(commands)


def _why(planned: Planned, state: LedgerState) -> list[str]:
    """What is to be said of a cell, each in a line."""
    feed, period = planned.partition.feed, planned.partition.period
    due = due_on(feed, period)
    lines = []
    match look_of(planned):
        case Look.MISSING:
            lines.append(f"Due since {due}, {_days(feed.publication_lag_days)} after it ended, and not loaded.")
        case Look.NOT_PUBLISHED:
            lines.append(f"Due on {due}, {_days(feed.publication_lag_days)} after it ends.")
    lines += [planned.note[:1].upper() + planned.note[1:].removesuffix(".") + "."] if planned.note else []
    lines += [f"Thin: {reason}." for reason in planned.thin]
    for accepted in state.accepted.get((feed.name, period.key), ()):
        lines.append(_acceptance(accepted, planned))
    return lines


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _acceptance(accepted: AcceptedGap, planned: Planned) -> str:
    by = f"by {accepted.accepted_by}, {accepted.accepted_at:%Y-%m-%d %H:%M} UTC: {accepted.reason}"
    if planned.accepted:
        return f"Accepted as {accepted.state} {by}"
    return f"Was accepted as {accepted.state}, but that no longer holds: {by}"


def _commands(planned: Planned) -> list[str]:
    """What can be done about a cell."""
    partition = planned.partition
    if not planned.open_gaps:
        return [*reopen_commands(partition)] if planned.accepted else []
    load = load_command(partition.feed.name, partition.key, is_forced=planned.open_gaps == (Gap.THIN,))
    return [load, *PUBLISH_COMMANDS, "# or, if it stays as it is:", *accept_commands([partition])]
