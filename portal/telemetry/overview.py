"""What the overview says about telemetry: up to when it is loaded, what is down, and how runs went."""

import pandas as pd
import streamlit as st

from metrics.query import MetricQuery
from portal import charts
from portal.days import as_labels, period_in_words
from portal.session import link_to
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import capitalised
from portal.telemetry.words import COLOURS, CRAWLS, EVENTS, LOAD, METRICS, OUTAGES, STATUSES
from portal.texts import plain
from portal.view import View

_NEWEST = {
    "events of pipelines": (EVENTS, f"select max(event_time) as newest from {EVENTS}"),
    "crawled profiles": (CRAWLS, f"select max(crawled_at) as newest from {CRAWLS}"),
}
_OPEN = f"""
    select count(*) as outages, count(distinct workspace) as workspaces
    from {OUTAGES}
    where recovered_at is null and event_date = (select max(event_date) from {OUTAGES})
"""
_HAS_LEDGER = "select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'source_files'"
_NOT_WHOLE = "select count(*) as files from meta.source_files where state <> 'whole'"
_DAYS = f"select distinct event_date from {METRICS} order by event_date desc limit 30"


def overview(view: View) -> None:
    """Up to when events and profiles are loaded, outages that are open, files that are not whole, and runs by day."""
    newest = {words: view.rows(sql)["newest"].iloc[0] for words, (name, sql) in _NEWEST.items() if view.has_table(name)}
    if not newest:
        nothing_to_show("No events of pipelines and no profiles are loaded.", (LOAD, *BUILD_AND_PUBLISH))
        return
    said = "; ".join(f"{words} until {time:%Y-%m-%d %H:%M} UTC" for words, time in newest.items())
    st.caption(plain(capitalised(said)))
    _show_troubles(view)
    if view.has_table(METRICS):
        _show_runs(view)


def _show_troubles(view: View) -> None:
    outages = view.rows(_OPEN).iloc[0] if view.has_table(OUTAGES) else None
    if outages is not None and outages["outages"]:
        down, of = _counted(outages["outages"], "pipeline"), _counted(outages["workspaces"], "workspace")
        st.warning(plain(f"{down} of {of} failed, and have not succeeded since."), icon=":material/warning:")
        link_to("runs", "Which, and why", "timeline")
    files = 0 if view.rows(_HAS_LEDGER).empty else int(view.rows(_NOT_WHOLE)["files"].iloc[0])
    if files:
        st.warning(plain(f"{_counted(files, 'file')} incomplete or broken."), icon=":material/warning:")
        link_to("event_files", "Which files", "draft")


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _show_runs(view: View) -> None:
    days = [time.to_pydatetime() for time in view.rows(_DAYS)["event_date"]]
    query = MetricQuery(("pipeline_runs",), ("metric_time__day", "run__status"), start=days[-1], end=days[0])
    rows = view.metrics(query)
    rows = rows[rows["pipeline_runs"] > 0]
    shown = pd.DataFrame(
        {
            "day": as_labels(rows["metric_time__day"]),
            "status": rows["run__status"].map(STATUSES),
            "runs": rows["pipeline_runs"],
        }
    )
    labels = {"day": "", "runs": "runs", "status": ""}
    figure = charts.bar(shown, x="day", y="runs", colour="status", labels=labels, colours=COLOURS)
    charts.show(
        charts.by_category(figure),
        title="Runs of pipelines by day",
        about=f"Runs that ended, of all workspaces, {period_in_words(days[-1], days[0])}, UTC",
        key="overview-runs",
    )
