"""Charts for any answer to a question about metrics, chosen from the question.

A time makes lines; a category makes bars; a second one stacks them where the metric can be added up, and else stands
beside. Metrics of one unit share a chart.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import streamlit as st

from metrics.query import Metric, MetricQuery
from portal import charts
from portal.general.metric_widgets import words_of
from portal.page import sections_of_subjects
from portal.tables import capitalised

# What a person can tell apart.
_MOST_SERIES = 8
_MOST_BARS = 30
_MOST_CHARTS = 6

# From so many bars, or such long names, bars lie on their side.
_MANY_BARS = 13
_LONG_NAME = 12

_X, _SERIES, _VALUE = "x", "series", "value"


@dataclass(frozen=True)
class Drawing:
    """What one chart shows: metrics of one unit, or one metric by several groups."""

    metrics: tuple[Metric, ...]
    rows: pd.DataFrame
    x: str
    is_time: bool
    note: str

    @property
    def title(self) -> str:
        """What it is."""
        return ", ".join(metric.label for metric in self.metrics)


def drawings_of(answer: pa.Table, question: MetricQuery, metrics: Sequence[Metric]) -> list[Drawing]:
    """The charts for an answer with groups. Their rows have the columns x, series and value."""
    groups = list(question.group_by)
    times = [name for name in groups if pa.types.is_timestamp(answer.schema.field(name).type)]
    x = times[0] if times else groups[0]
    others = [name for name in groups if name != x]
    units = dict.fromkeys(metric.unit for metric in metrics)
    # With a second group its values are the series, so each metric needs a chart.
    parts: list[tuple[Metric, ...]] = (
        [(metric,) for metric in metrics]
        if others
        else [tuple(metric for metric in metrics if metric.unit == unit) for unit in units]
    )
    base = pd.DataFrame({_X: answer[x].to_pandas() if times else _texts(answer[x])})
    series = [" · ".join(names) for names in zip(*(_texts(answer[name]) for name in others), strict=True)]
    drawings = []
    for part in parts:
        frames = [
            base.assign(
                **{_SERIES: series if others else _escaped(metric.label), _VALUE: answer[metric.name].to_pandas()}
            )
            for metric in part
        ]
        rows, note = _few(pd.concat(frames).dropna(subset=[_X, _VALUE]), is_time=bool(times))
        drawings.append(Drawing(part, rows, x, bool(times), note))
    return drawings


def show_charts(
    answer: pa.Table, question: MetricQuery, metrics: Sequence[Metric], period: str, additive: Set[str]
) -> None:
    """Draw the charts, two beside each other where there are several. `additive` metrics are stacked."""
    drawings = drawings_of(answer, question, metrics)
    columns = st.columns(2) if len(drawings) > 1 else [st.container()]
    for number, drawing in enumerate(drawings[:_MOST_CHARTS]):
        by = ", ".join(words_of(name) for name in question.group_by)
        about = f"{capitalised(drawing.metrics[0].unit)} by {by}; {period}{drawing.note}"
        is_stacked = all(metric.name in additive for metric in drawing.metrics) and len(drawing.metrics) == 1
        with columns[number % len(columns)]:
            charts.show(
                _drawn(drawing, is_stacked=is_stacked) if len(drawing.rows) else None,
                title=drawing.title,
                about=about,
                key=f"chart_{number}",
                empty="No value to draw.",
            )
    if len(drawings) > _MOST_CHARTS:
        st.caption(f"{len(drawings) - _MOST_CHARTS} more metrics are in the table.")


def _drawn(drawing: Drawing, *, is_stacked: bool) -> go.Figure:
    sections = list(sections_of_subjects().values())
    names = {value: name for section in sections for value, name in section.names.items()}
    colours = {name: colour for section in sections for name, colour in section.colours.items()}
    rows = drawing.rows.replace({_SERIES: names, _X: names})
    labels = {
        _X: "" if drawing.is_time else words_of(drawing.x),
        _VALUE: _escaped(drawing.metrics[0].unit),
        _SERIES: "",
    }
    colour = _SERIES if rows[_SERIES].nunique() > 1 else None
    if drawing.is_time:
        figure = charts.line(
            rows.sort_values(_X, kind="stable"), x=_X, y=_VALUE, colour=colour, labels=labels, colours=colours
        )
        return charts.by_month(figure, rows[_X]) if drawing.x.endswith("__month") else figure
    bars = rows[_X].unique()
    on_side = len(bars) >= _MANY_BARS or max(map(len, bars)) > _LONG_NAME
    return charts.bar(
        rows,
        x=_X,
        y=_VALUE,
        colour=colour,
        labels=labels,
        colours=colours,
        is_stacked=is_stacked,
        is_on_side=on_side and colour is None,
    )


def _few(rows: pd.DataFrame, *, is_time: bool) -> tuple[pd.DataFrame, str]:
    """The rows that a chart can show, and what it leaves out."""
    note = ""
    sizes = rows[_VALUE].abs().groupby(rows[_SERIES], sort=False).sum()
    if len(sizes) > _MOST_SERIES:
        rows = rows[rows[_SERIES].isin(sizes.nlargest(_MOST_SERIES).index)]
        note += f"; the {_MOST_SERIES} largest of {len(sizes):,}"
    names = rows[_X].unique()
    if not is_time and len(names) > _MOST_BARS:
        rows = rows[rows[_X].isin(names[:_MOST_BARS])]
        note += f"; the first {_MOST_BARS} of {len(names):,}"
    return rows, note


def _texts(column: pa.ChunkedArray) -> list[str]:
    return ["(none)" if value is None else _escaped(str(value)) for value in column.to_pylist()]


def _escaped(text: str) -> str:
    """A text that Plotly shows as it is: it reads some HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
