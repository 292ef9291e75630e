"""The files that events and profiles were read from: which are incomplete or broken, and what came late."""

from datetime import datetime

import pandas as pd
import streamlit as st

from portal import charts, filters
from portal.cards import Card, show_cards
from portal.filters import choose
from portal.session import link_to
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import TIME, table
from portal.telemetry.words import COLOURS, EVENTS, LOAD, STATES
from portal.texts import count, plain, short
from portal.view import View
from warehouse.ledger import utc_now
from warehouse.releases.reading import ago

_ALL = "all"
_MOST_FILES = 200
_MOST_PERIODS = 200
_DAYS_IN_CHART = 60

_HAS_LEDGER = "select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'source_files'"
_FEEDS = "select distinct feed from meta.source_files order by feed"
_TOTALS = """
    select
        count(*) as files,
        coalesce(sum(rows), 0)::bigint as lines,
        coalesce(sum(unreadable_rows), 0)::bigint as unreadable,
        count(*) filter (state = 'incomplete') as incomplete,
        count(*) filter (state = 'broken') as broken
    from meta.source_files
    where list_contains($feeds, feed)
"""
_BY_DAY = f"""
    select left(partition_key, 10) as day, state, count(*) as files
    from meta.source_files
    where list_contains($feeds, feed)
    group by day, state
    qualify dense_rank() over (order by day desc) <= {_DAYS_IN_CHART}
    order by day, state
"""
_NOT_WHOLE = f"""
    select feed, partition_key, file_name, state, rows, unreadable_rows, last_modified, loaded_at
    from meta.source_files
    where state <> 'whole' and list_contains($feeds, feed)
    order by partition_key desc, feed, file_name
    limit {_MOST_FILES}
"""
_BY_PERIOD = f"""
    select
        feed,
        partition_key,
        count(*) as files,
        sum(rows)::bigint as rows,
        sum(unreadable_rows)::bigint as unreadable_rows,
        count(*) filter (state <> 'whole') as not_whole,
        max(last_modified) as last_modified,
        max(loaded_at) as loaded_at
    from meta.source_files
    where list_contains($feeds, feed)
    group by feed, partition_key
    order by partition_key desc, feed
    limit {_MOST_PERIODS}
"""
_LATE = f"""
    select feed, strftime(source_hour, '%Y-%m-%dT%H') as partition_key, count(*) as late
    from {EVENTS}
    where is_late and list_contains($feeds, feed)
    group by all
"""

_COLUMNS = {
    "feed": st.column_config.TextColumn("Feed"),
    "partition_key": st.column_config.TextColumn("Of", help="Hour or day of the folder, UTC"),
    "file_name": st.column_config.TextColumn("File", width="large"),
    "state": st.column_config.TextColumn("State"),
    "files": st.column_config.NumberColumn("Files", format="localized"),
    "rows": st.column_config.NumberColumn("Lines", format="localized", help="Lines, whether or not they can be read"),
    "unreadable_rows": st.column_config.NumberColumn("Unreadable", format="localized", help="Lines that are no JSON"),
    "not_whole": st.column_config.NumberColumn("Not whole", format="localized", help="Files incomplete or broken"),
    "late": st.column_config.NumberColumn(
        "Late events", format="localized", help="Filed later than in the hour after their own"
    ),
    "last_modified": st.column_config.DatetimeColumn("Changed (UTC)", format=TIME),
    "age": st.column_config.TextColumn("How old", help="Since it was changed, as of now"),
    "loaded_at": st.column_config.DatetimeColumn("Loaded (UTC)", format=TIME),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Event files", anchor=False)
    feeds = [] if view.rows(_HAS_LEDGER).empty else list(view.rows(_FEEDS)["feed"])
    if not feeds:
        nothing_to_show("No file of events or profiles was loaded.", (LOAD, *BUILD_AND_PUBLISH))
        return
    with filters.row():
        feed = choose(
            "feed",
            "Feed",
            [_ALL, *feeds],
            default=_ALL,
            words=lambda each: "All" if each == _ALL else each,
            among="feeds with files",
        )
    shown = feeds if feed == _ALL else [feed]
    late = view.rows(_LATE, feeds=shown) if view.has_table(EVENTS) else pd.DataFrame()
    _show_figures(view, shown, late)
    _show_not_whole(view, shown)
    _show_days(view, shown)
    _show_periods(view, shown, late)


def _show_figures(view: View, feeds: list[str], late: pd.DataFrame) -> None:
    totals = view.rows(_TOTALS, feeds=feeds).iloc[0]
    show_cards(
        [
            Card("Files", count(int(totals["files"])), "Of all hours and days that are loaded"),
            Card("Lines", short(int(totals["lines"])), "Whether or not they can be read"),
            Card("Unreadable lines", count(int(totals["unreadable"])), "Kept, with the reason, in quarantine"),
            Card("Incomplete files", count(int(totals["incomplete"])), "Their last line was half a line"),
            Card("Broken files", count(int(totals["broken"])), "No line of them can be read"),
            Card("Late events", count(int(late["late"].sum()) if len(late) else 0), _late_means()),
        ],
        key="event-files",
    )
    st.caption("As this release was published. A file that grows is read again, whole, by the next load.")
    link_to("quarantine", "Lines that are no event or profile, by reason, with examples", "rule")


def _late_means() -> str:
    return "Events filed later than in the hour after their own; they count at their own time"


def _show_not_whole(view: View, feeds: list[str]) -> None:
    rows = view.rows(_NOT_WHOLE, feeds=feeds)
    st.subheader("Incomplete and broken files", anchor=False)
    if rows.empty:
        st.success("Every file is whole.", icon=":material/check_circle:")
        return
    of_all = f", the newest {_MOST_FILES}" if len(rows) == _MOST_FILES else ""
    st.caption(f"Incomplete: the last line was half a line. Broken: no line can be read. By hour{of_all}")
    table(_with_age(rows.assign(state=rows["state"].map(STATES).fillna(rows["state"])), utc_now()), _COLUMNS)


def _with_age(rows: pd.DataFrame, now: datetime) -> pd.DataFrame:
    ages = ["" if pd.isna(time) else ago(now - time.to_pydatetime()) for time in rows["last_modified"]]
    place = rows.columns.get_loc("last_modified")
    rows.insert(int(str(place)) + 1, "age", ages)
    return rows


def _show_days(view: View, feeds: list[str]) -> None:
    rows = view.rows(_BY_DAY, feeds=feeds)
    labels = {"day": "", "files": "files", "state": ""}
    shown = rows.assign(state=rows["state"].map(STATES).fillna("Broken"))
    charts.show(
        charts.by_category(charts.bar(shown, x="day", y="files", colour="state", labels=labels, colours=COLOURS)),
        title="Files by day",
        about=f"Files by UTC day of their folder and state, the last {_DAYS_IN_CHART} days that have any",
        key="files-by-day",
    )


def _show_periods(view: View, feeds: list[str], late: pd.DataFrame) -> None:
    rows = view.rows(_BY_PERIOD, feeds=feeds)
    if len(late):
        rows = rows.merge(late, on=["feed", "partition_key"], how="left")
        rows["late"] = rows["late"].fillna(0).astype(int)
    st.subheader("By hour and day", anchor=False)
    of_all = f", the newest {_MOST_PERIODS}" if len(rows) == _MOST_PERIODS else ""
    st.caption(plain(f"Files of each folder{of_all}"))
    table(_with_age(rows, utc_now()), _COLUMNS)
