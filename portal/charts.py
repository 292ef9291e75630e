"""Charts that look alike: a title that says what it is, units, the period, and words where there is nothing to show."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st

from portal.colours import ink, page_colour
from portal.texts import plain

# No logo, no buttons that a reader does not need, and nothing that asks another host.
CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True, "scrollZoom": False}

_HEIGHT = 320
_BAR_HEIGHT = 26

# So many bars or months have room for a name each; of more, every third month or year has one.
_EACH_MONTH, _EACH_QUARTER = 6, 24

# So many days have room for their names.
_MOST_DAYS = 4

# Few bars would be as wide as the page.
_WIDEST_BAR = 0.12

# Above the plot.
LEGEND = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.03,
    "yanchor": "bottom",
    "title": None,
    "itemwidth": 30,
    "itemclick": False,
    "itemdoubleclick": False,
}


def line(
    rows: pd.DataFrame,
    *,
    x: str,
    y: str,
    colour: str | None = None,
    labels: Mapping[str, str],
    colours: Mapping[str, str] | None = None,
) -> go.Figure:
    """Lines over time. `labels` are the words for columns, with units."""
    figure = px.line(
        rows,
        x=x,
        y=y,
        color=colour,
        labels=dict(labels),
        color_discrete_map=dict(colours or {}),
        markers=len(rows) < 60,
    )
    figure.update_traces(hovertemplate=_words(rows[y], labels.get(y, "")))
    return style(figure)


def bar(
    rows: pd.DataFrame,
    *,
    x: str,
    y: str,
    colour: str | None = None,
    labels: Mapping[str, str],
    colours: Mapping[str, str] | None = None,
    is_stacked: bool = True,
    is_on_side: bool = False,
) -> go.Figure:
    """Bars, stacked by colour unless they are to stand side by side. On their side they have room for long names."""
    figure = px.bar(
        rows,
        x=y if is_on_side else x,
        y=x if is_on_side else y,
        color=colour,
        labels=dict(labels),
        color_discrete_map=dict(colours or {}),
        barmode="stack" if is_stacked else "group",
    )
    style(figure)
    figure.update_traces(hovertemplate=_words(rows[y], labels.get(y, ""), "x" if is_on_side else "y"))
    if is_on_side:
        # The first on top, and all names.
        figure.update_layout(height=max(_HEIGHT, 60 + _BAR_HEIGHT * rows[x].nunique()), hovermode="y unified")
        figure.update_yaxes(type="category", autorange="reversed", title=None, dtick=1)
    elif is_stacked:
        # A line in the colour of the page parts the bars that stand on each other.
        figure.update_traces(marker_line={"width": 0.5, "color": page_colour()})
    return figure


def by_month(figure: go.Figure, times: pd.Series) -> go.Figure:
    """Write the months on the axis of a chart of these times, each below its bar or point."""
    first, last = times.min(), times.max()
    months = 12 * (last.year - first.year) + last.month - first.month + 1
    step = 1 if months <= _EACH_MONTH else 3 if months <= _EACH_QUARTER else 12
    figure.update_xaxes(dtick=f"M{step}", tickformat="%b\n%Y", hoverformat="%b %Y")
    if months < _EACH_MONTH:
        figure.update_layout(bargap=1 - _WIDEST_BAR * months)
    return figure


def by_category(figure: go.Figure) -> go.Figure:
    """Let a chart's axis have the days that it has, in their order, and no gap where there is none."""
    return figure.update_xaxes(type="category", categoryorder="category ascending", nticks=_MOST_DAYS, tickangle=0)


def heat(
    values: Sequence[Sequence[float | None]], *, x: Sequence[str], y: Sequence[str], unit: str, words: str = "%{y} %{x}"
) -> go.Figure:
    """A grid whose colours are values, with the colours and their unit above it."""
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(x),
            y=list(y),
            colorbar={
                "title": {"text": unit, "side": "top", "font": {"color": ink(), "size": 12}},
                "tickfont": {"color": ink(), "size": 12},
                "orientation": "h",
                "thickness": 8,
                "len": 220,
                "lenmode": "pixels",
                "x": 0,
                "xanchor": "left",
                "xpad": 0,
                "y": 1,
                "yanchor": "bottom",
                "ypad": 4,
                "outlinewidth": 0,
                "nticks": 5,
            },
            hovertemplate=f"{words}<br>%{{z:,.0f}} {unit}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    return style(figure)


def style(figure: go.Figure, *, height: int = _HEIGHT) -> go.Figure:
    """Give a figure the look of all others."""
    words = {"color": ink(), "size": 12}
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={**LEGEND, "font": words},
        hovermode="x unified" if figure.data and figure.data[0].type in ("scatter", "bar") else "closest",
        bargap=0.22,
    )
    # A chart is read, not dragged: on a telephone that would stop the page from moving.
    figure.update_layout(dragmode=False)
    figure.update_xaxes(tickfont=words, title_font=words, fixedrange=True, automargin=True)
    figure.update_yaxes(
        tickfont=words, title_font=words, fixedrange=True, automargin=True, separatethousands=True, title_standoff=8
    )
    return figure


def _words(values: pd.Series, unit: str, axis: str = "y") -> str:
    """What is said of a point: its value with as many digits as tell something, and the unit."""
    largest = values.abs().max()
    form = ",.0f" if largest >= 1000 else ",.2~f" if largest >= 1 else ",.4~f"
    return f"%{{{axis}:{form}}} {unit}"


def show(figure: go.Figure | None, *, title: str, about: str, key: str, empty: str = "Nothing to show.") -> None:
    """A chart under its title. `about` says the unit and the period; `empty` what to load."""
    st.subheader(plain(title), anchor=False)
    st.caption(plain(about))
    if figure is None:
        st.info(plain(empty), icon=":material/info:")
        return
    st.plotly_chart(figure, key=key, config=CONFIG, alt=f"{title}: {about}")
