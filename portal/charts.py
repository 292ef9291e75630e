"""Charts that look alike: a title that says what it is, units, the period, and words where there is nothing to show."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import streamlit as st

from portal.texts import plain

# No logo, no buttons that a reader does not need, and nothing that asks another host.
CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True, "scrollZoom": False}

_HEIGHT = 320


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
    return _styled(
        px.line(
            rows,
            x=x,
            y=y,
            color=colour,
            labels=dict(labels),
            color_discrete_map=dict(colours or {}),
            markers=len(rows) < 60,
        )
    )


def bar(
    rows: pd.DataFrame,
    *,
    x: str,
    y: str,
    colour: str | None = None,
    labels: Mapping[str, str],
    colours: Mapping[str, str] | None = None,
    is_stacked: bool = True,
) -> go.Figure:
    """Bars, stacked by colour unless they are to stand side by side."""
    return _styled(
        px.bar(
            rows,
            x=x,
            y=y,
            color=colour,
            labels=dict(labels),
            color_discrete_map=dict(colours or {}),
            barmode="stack" if is_stacked else "group",
        )
    )


def heat(
    values: Sequence[Sequence[float | None]], *, x: Sequence[str], y: Sequence[str], unit: str, words: str = "%{y} %{x}"
) -> go.Figure:
    """A grid whose colours are values."""
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(x),
            y=list(y),
            colorbar={"title": unit, "thickness": 10, "outlinewidth": 0},
            hovertemplate=f"{words}<br>%{{z:,.0f}} {unit}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    return _styled(figure)


def _styled(figure: go.Figure) -> go.Figure:
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        hovermode="x unified" if figure.data and figure.data[0].type == "scatter" else "closest",
    )
    return figure


def show(figure: go.Figure | None, *, title: str, about: str, key: str, empty: str = "Nothing to show.") -> None:
    """A chart under its title. `about` says the unit and the period; `empty` what to load."""
    st.subheader(title, anchor=False)
    st.caption(plain(about))
    if figure is None:
        st.info(plain(empty))
        return
    st.plotly_chart(figure, key=key, config=CONFIG, alt=f"{title}: {about}")
