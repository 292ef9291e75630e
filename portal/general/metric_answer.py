"""The answer of the metrics page: charts, table, CSV, what it means, the command and the SQL."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import pyarrow as pa
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from metrics.ask import write_csv
from metrics.definitions import MetricDefinition, define_metric
from metrics.notes import notes_on, ranges_of
from metrics.query import Metric, MetricQuery, metric_sql, months_loaded, query_metrics
from metrics.questions import as_command
from metrics.semantic_manifest import MetricQueryError
from portal.cards import Card, show_cards
from portal.general.metric_charts import show_charts
from portal.general.metric_widgets import words_of
from portal.page import LOAD
from portal.states import say_what_to_do, show_commands
from portal.tables import TIME, capitalised, table
from portal.texts import figure, plain
from portal.view import View, keep_open
from warehouse.verdict import PUBLISH_COMMANDS

# More rows nobody reads on a page. The command gives all.
_MOST_ROWS = 10_000

_LONGEST_REFUSAL = 1500

# How a time is written, by its grain; others by their day.
_TIMES = {"hour": TIME, "month": "YYYY-MM", "year": "YYYY"}


def show_answer(view: View, question: MetricQuery, metrics: Mapping[str, Metric]) -> None:
    """Draw the answer to a question, or say why there is none."""
    if question.where:
        st.caption(plain(f"Only where {' and '.join(question.where)}"))
    limit = min(question.limit or _MOST_ROWS + 1, _MOST_ROWS + 1)
    try:
        answer = _answer(view.release.id, replace(question, limit=limit), view)
    except MetricQueryError as error:
        _say_why_not(error)
        return
    asked = [metrics[name] for name in question.metrics]
    months = _months(view.release.id, question.metrics, view)
    notes = notes_on(answer, months)
    if answer.num_rows > _MOST_ROWS:
        answer = answer.slice(0, _MOST_ROWS)
        st.info(
            f"There are more than {_MOST_ROWS:,} groups. Here are the first {_MOST_ROWS:,}; the command gives all. "
            "Group by less, filter, or order by a metric.",
            icon=":material/info:",
        )
    empty = [metric for metric in asked if answer.num_rows and not answer[metric.name].drop_null()]
    for metric in empty:
        st.info(plain(f"{metric.label} has no value here. {metric.description}"), icon=":material/info:")
    drawn = [metric for metric in asked if metric not in empty]
    if answer.num_rows and drawn:
        if question.group_by:
            show_charts(
                answer, question, drawn, _period(question, months), {d.metric.name for d in _additive(view, drawn)}
            )
        else:
            _show_figures(answer, drawn)
    for note in notes:
        st.info(plain(note), icon=":material/info:") if not answer.num_rows else st.caption(plain(note))
    if not answer.num_rows and not months:
        say_what_to_do("Load, build and publish.", (LOAD, *PUBLISH_COMMANDS))
    _show_details(view, question, answer, asked)


def _show_figures(answer: pa.Table, metrics: Sequence[Metric]) -> None:
    show_cards(
        [Card(plain(_title(metric)), figure(answer[metric.name][0].as_py())) for metric in metrics], key="answer"
    )


def _show_details(view: View, question: MetricQuery, answer: pa.Table, metrics: Sequence[Metric]) -> None:
    rows, meaning, command, sql = st.tabs(["Table", "What it means", "Command", "SQL"])
    with rows:
        if answer.num_rows:
            table(answer.to_pandas(integer_object_nulls=True), _columns(answer, metrics))
        else:
            st.markdown("No rows.")
        written = io.StringIO()
        write_csv(answer, written)
        st.download_button(
            "Download CSV",
            written.getvalue(),
            file_name=f"{'-'.join(question.metrics)[:80]}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    with meaning:
        for metric in metrics:
            _show_definition(_definition(view.release.id, metric.name, view))
    with command:
        st.caption("The same question in a terminal.")
        show_commands([as_command(question)])
    with sql:
        st.caption("What MetricFlow makes of the question, in DuckDB's SQL.")
        st.code(metric_sql(question, view.source), language="sql")


def _columns(answer: pa.Table, metrics: Sequence[Metric]) -> dict[str, ColumnConfig]:
    titles = {metric.name: _title(metric) for metric in metrics}
    columns: dict[str, ColumnConfig] = {}
    for name in answer.column_names:
        if name in titles:
            columns[name] = st.column_config.NumberColumn(titles[name], format="localized")
        elif pa.types.is_timestamp(answer.schema.field(name).type):
            grain = name.rpartition("__")[2]
            columns[name] = st.column_config.DatetimeColumn(
                capitalised(words_of(name)), format=_TIMES.get(grain, "YYYY-MM-DD")
            )
        else:
            columns[name] = st.column_config.Column(capitalised(words_of(name)))
    return columns


def _title(metric: Metric) -> str:
    """What a metric is, with its unit where that says more: `Revenue (USD)`, `Trips`."""
    return metric.label if metric.unit == metric.label.lower() else f"{metric.label} ({metric.unit})"


def _show_definition(definition: MetricDefinition) -> None:
    metric = definition.metric
    st.markdown(f"**{plain(metric.label)}** · {plain(metric.name)}")
    st.markdown(plain(metric.description))
    st.caption(plain(f"Unit: {metric.unit} · Owner: {metric.owner} · Category: {metric.category}"))
    st.code("\n".join(definition.formula), language=None, wrap_lines=True)


def _say_why_not(error: MetricQueryError) -> None:
    """MetricFlow's or DuckDB's own words, as plain text."""
    st.error("This question has no answer.", icon=":material/error:")
    st.code(refusal_of(error), language=None, wrap_lines=True)
    st.markdown(
        "Change the condition, or take out what is named here. "
        "What is offered above is what all chosen metrics can be grouped and filtered by."
    )


def refusal_of(error: MetricQueryError) -> str:
    """The first reason in a refusal, without MetricFlow's frame around it."""
    text = str(error)
    found = re.search(
        r"Message:\n(?P<reason>.*?)(?:\n\s*Suggestions:(?P<similar>.*?))?"
        r"\n\s*(?:Query Input:\s*(?P<given>.*?)\n|Issue Location:)",
        text,
        re.DOTALL,
    )
    if not found:
        return text[:_LONGEST_REFUSAL]
    lines = [line.strip() for line in found["reason"].splitlines() if line.strip()]
    if re.fullmatch(r"\w+", found["given"] or ""):
        lines.insert(0, f"{found['given']}:")
    if similar := re.findall(r"\w+__\w+", found["similar"] or ""):
        lines.append(f"Similar names: {', '.join(similar)}")
    return "\n".join(lines)[:_LONGEST_REFUSAL]


def _period(question: MetricQuery, months: Sequence[date]) -> str:
    """The time that the question is of, in words."""
    start, end = question.start, question.end
    if start and end:
        return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"
    loaded = f"months loaded: {', '.join(ranges_of(months)) or 'none'}"
    if start or end:
        return f"{_bound('from', start)}{_bound('up to', end)}; {loaded}"
    return loaded


def _bound(word: str, day: datetime | None) -> str:
    return f"{word} {day:%Y-%m-%d}" if day else ""


def _additive(view: View, metrics: Sequence[Metric]) -> list[MetricDefinition]:
    definitions = [_definition(view.release.id, metric.name, view) for metric in metrics]
    return [definition for definition in definitions if definition.is_additive]


@st.cache_data(max_entries=300, show_spinner=False)
def _answer(release_id: str, question: MetricQuery, _view: View) -> pa.Table:
    with keep_open(_view.release).cursor() as cursor:
        return query_metrics(question, _view.source, cursor)


@st.cache_data(max_entries=300, show_spinner=False)
def _months(release_id: str, metrics: tuple[str, ...], _view: View) -> list[date]:
    with keep_open(_view.release).cursor() as cursor:
        return months_loaded(MetricQuery(metrics), _view.source, cursor)


@st.cache_data(max_entries=300, show_spinner=False)
def _definition(release_id: str, metric: str, _view: View) -> MetricDefinition:
    return define_metric(metric, _view.source)
