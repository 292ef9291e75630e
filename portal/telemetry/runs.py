"""How the runs of pipelines went: how many there were, how many failed, how long they took, and what is still down."""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from metrics.changes import change_pct
from metrics.query import list_metrics
from portal import charts, filters
from portal.cards import Card, show_cards
from portal.days import as_labels, choose_days, period_in_words
from portal.filters import choose
from portal.session import link_to
from portal.tables import TIME, table
from portal.telemetry.questions import (
    Asked,
    by_day,
    by_pipeline,
    days_with_runs,
    failures_by_kind,
    figures,
    latest_failed,
    open_outages,
    workspaces,
)
from portal.telemetry.words import COLOURS, PLATFORM, STATUSES, cut, duration, in_chart
from portal.texts import NO_VALUE, plain, short
from portal.view import View

_DAYS_AT_FIRST = 30
_MOST_KINDS = 20


def _percent(share: float) -> str:
    return f"{share:.1%}"


# For each figure: its name, and its form.
_FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "run_success_rate": ("Success rate", _percent),
    "pipeline_runs": ("Runs", short),
    "failed_runs": ("Failures", short),
    "median_run_duration_seconds": ("Median duration", duration),
    "p95_run_duration_seconds": ("p95 duration", duration),
    "mean_time_to_recovery_seconds": ("Time to recovery", duration),
    "rows_moved": ("Rows moved", short),
}

_SECONDS = "%,.2f"
_COLUMNS = {
    "pipeline": st.column_config.TextColumn("Pipeline", pinned=True, width="medium"),
    "pipeline_runs": st.column_config.NumberColumn("Runs", format="localized"),
    "successful_runs": st.column_config.NumberColumn("Succeeded", format="localized"),
    "failed_runs": st.column_config.NumberColumn("Failed", format="localized"),
    "run_success_rate": st.column_config.NumberColumn("Success rate", format="percent"),
    "median_run_duration_seconds": st.column_config.NumberColumn("Median, s", format=_SECONDS),
    "p95_run_duration_seconds": st.column_config.NumberColumn("p95, s", format=_SECONDS),
    "rows_moved": st.column_config.NumberColumn("Rows moved", format="localized"),
    "last_at": st.column_config.DatetimeColumn("Last run (UTC)", format=TIME),
    "last_status": st.column_config.TextColumn("Its status"),
    "began_at": st.column_config.DatetimeColumn("Down since (UTC)", format=TIME),
    "event_time": st.column_config.DatetimeColumn("Failed at (UTC)", format=TIME),
    "run_id": st.column_config.TextColumn("Run"),
    "error_kind": st.column_config.TextColumn("Kind"),
    "error": st.column_config.TextColumn("Error", width="large"),
    "duration_seconds": st.column_config.NumberColumn("Took, s", format=_SECONDS),
    "file_name": st.column_config.TextColumn("File"),
    "line_number": st.column_config.NumberColumn("Line", format="localized"),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Runs", anchor=False)
    found = workspaces(view)
    with filters.row():
        workspace = choose(
            "workspace",
            "Workspace",
            found,
            default=PLATFORM if PLATFORM in found else found[0],
            among="workspaces with runs",
        )
        first, last = choose_days(
            days_with_runs(view, workspace), at_first=_DAYS_AT_FIRST, among="days with runs of the workspace"
        )
    asked = Asked(workspace, first, last)
    _show_figures(view, asked)
    _show_open(view, workspace)
    _show_days(view, asked)
    _show_pipelines(view, asked)
    _show_failures(view, asked)


def _words(asked: Asked) -> str:
    return f"{cut(asked.workspace)}, {period_in_words(asked.first, asked.last)}"


def _show_figures(view: View, asked: Asked) -> None:
    now, before = figures(view, asked), figures(view, asked.before)
    described = {metric.name: metric.description for metric in list_metrics(view.source)}
    show_cards(
        [
            Card(
                label,
                NO_VALUE if (value := now[name]) is None else form(value),
                described.get(name),
                _change(name, value, before[name]),
            )
            for name, (label, form) in _FIGURES.items()
        ],
        key="runs",
    )
    period = period_in_words(asked.before.first, asked.before.last)
    compared = f"Change against {period}." if before["pipeline_runs"] else f"No run of {period} is known: no change."
    st.caption(plain(f"{_words(asked)}, days are UTC. {compared}"))


def _change(name: str, now: float | None, before: float | None) -> str | None:
    if now is None or before is None:
        return None
    if name == "run_success_rate":
        # Of percents, points are told.
        return f"{now - before:+.1%}".replace("%", " points")
    change = change_pct(now, before)
    # The added zero makes none of a negative one.
    return None if change is None else f"{round(change, 1) + 0.0:+,.1f} %"


def _show_open(view: View, workspace: str) -> None:
    rows = open_outages(view, workspace)
    st.subheader("Outages open now", anchor=False)
    if rows.empty:
        st.success("No pipeline is down: none failed without a later success.", icon=":material/check_circle:")
        return
    st.caption("Pipelines that failed, and have not succeeded since, as this release has it")
    table(rows, _COLUMNS | {"failed_runs": st.column_config.NumberColumn("Failed runs", format="localized")})


def _show_days(view: View, asked: Asked) -> None:
    rows = by_day(view, asked)
    charts.show(
        None if rows.empty else _figure_of_days(rows),
        title="Runs by day",
        about=f"Runs that ended, by status, {_words(asked)}",
        key="runs-by-day",
        empty="No run ended on these days.",
    )


def _figure_of_days(rows: pd.DataFrame) -> go.Figure:
    order = list(STATUSES)
    rows = rows.sort_values("status", key=lambda values: values.map(order.index), kind="stable")
    shown = rows.assign(status=rows["status"].map(STATUSES), day=as_labels(rows["day"]))
    labels = {"day": "", "runs": "runs", "status": ""}
    figure = charts.bar(shown, x="day", y="runs", colour="status", labels=labels, colours=COLOURS)
    return charts.by_category(figure)


def _show_pipelines(view: View, asked: Asked) -> None:
    rows = by_pipeline(view, asked)
    st.subheader("By pipeline", anchor=False)
    kinds = " A pipeline of the platform is a kind of run." if asked.workspace == PLATFORM else ""
    st.caption(plain(f"{_words(asked)}. The last run is of any day.{kinds}"))
    if rows.empty:
        st.info("No run ended on these days.", icon=":material/info:")
        return
    table(rows, _COLUMNS)


def _show_failures(view: View, asked: Asked) -> None:
    kinds = failures_by_kind(view, asked)
    if kinds.empty:
        st.success(plain(f"No run failed: {_words(asked)}."), icon=":material/check_circle:")
        return
    labels = {"kind": "", "runs": "runs"}
    shown = kinds.head(_MOST_KINDS).assign(kind=[in_chart(each) for each in kinds["kind"].head(_MOST_KINDS)])
    charts.show(
        charts.bar(shown, x="kind", y="runs", labels=labels, is_on_side=True).update_traces(
            marker_color=COLOURS["Failed"]
        ),
        title="Failures by kind",
        about=f"Failed runs by kind of error, {_words(asked)}",
        key="failures-by-kind",
    )
    st.subheader("Latest failed runs", anchor=False)
    st.caption(plain(_words(asked)))
    table(latest_failed(view, asked), _COLUMNS)
    if asked.workspace == PLATFORM:
        link_to("health", "What is wrong, and what to do", "monitor_heart")
