"""The gap grid: every period of every feed as a coloured cell: months of a year, days of a month, hours of a day.

Only names of feeds and periods are drawn: a chart takes some markup for what it says, and notes are written by others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import plotly.graph_objects as go
import streamlit as st

from ingestion.catalog import FEEDS
from ingestion.gap_plan import Planned
from ingestion.publication import Gap, State
from portal.charts import CONFIG
from portal.colours import ink
from warehouse.periods import Grain, Period

_ROW_PIXELS = 24
_AXIS_PIXELS = 34
# A taller grid scrolls within this height.
_HEIGHT = 520

# Hours of so many days are drawn: a browser takes seconds for more.
_DAYS_OF_HOURS = 31

# Below all years.
_NO_PERIOD = "(no period)"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Look(StrEnum):
    """How a cell looks, and what that means."""

    LOADED = "loaded"
    MISSING = "missing"
    REFUSED = "refused"
    OVERDUE = "overdue"
    REPLACED = "replaced"
    THIN = "thin"
    ACCEPTED = "accepted"
    NOT_PUBLISHED = "not published yet"


# Told apart on light and on dark, and by those who see few colours: gaps have a sign, too, in white.
COLOURS = {
    Look.LOADED: "#4f93b0",
    Look.MISSING: "#b84a3e",
    Look.REFUSED: "#8f2f55",
    Look.OVERDUE: "#a8600f",
    Look.REPLACED: "#8a5a83",
    Look.THIN: "#857000",
    Look.ACCEPTED: "#4b7d69",
    Look.NOT_PUBLISHED: "rgba(128, 138, 148, 0.22)",
}
SIGNS = {
    Look.MISSING: "!",
    Look.REFUSED: "-",
    Look.OVERDUE: "?",
    Look.REPLACED: "≠",
    Look.THIN: "~",
    Look.ACCEPTED: "✓",
}

_OF_GAPS = {
    Gap.MISSING: Look.MISSING,
    Gap.REFUSED: Look.REFUSED,
    Gap.OVERDUE: Look.OVERDUE,
    Gap.REPLACED: Look.REPLACED,
    Gap.THIN: Look.THIN,
}


def look_of(planned: Planned) -> Look:
    """How a period looks: what is wrong with it counts for more than what is accepted."""
    if planned.open_gaps:
        return _OF_GAPS[planned.open_gaps[0]]
    if planned.accepted:
        return Look.ACCEPTED
    return Look.NOT_PUBLISHED if planned.state is State.NOT_PUBLISHED else Look.LOADED


def name_of(planned: Planned) -> str:
    """The name of a cell, as `nyc gaps --accept` takes it: `FEED:PERIOD`."""
    return f"{planned.partition.feed.name}:{planned.partition.key}"


@dataclass(frozen=True)
class _Place:
    """Where a cell is: in a block with a title, in a row of it, in a column."""

    block: str
    row: str
    column: int


def _place(feed: str, period: Period) -> _Place:
    start = period.start
    if feed in FEEDS and FEEDS[feed].is_reference:
        # One file, which is of no time.
        return _Place(_NO_PERIOD, feed, 0)
    match period.grain:
        case Grain.MONTH:
            return _Place(f"{start:%Y}", feed, start.month - 1)
        case Grain.DAY:
            return _Place(f"{start:%Y} {feed}", _MONTHS[start.month - 1], start.day - 1)
        case Grain.HOUR:
            return _Place(f"{start:%Y-%m} {feed}", f"{start.day}", start.hour)


def _columns(grain: Grain) -> Sequence[str]:
    match grain:
        case Grain.MONTH:
            return _MONTHS
        case Grain.DAY:
            return [str(number) for number in range(1, 32)]
        case Grain.HOUR:
            return [f"{hour:02}" for hour in range(24)]


def counts(plan: Iterable[Planned]) -> dict[Look, int]:
    """How many cells look how, without looks that no cell has."""
    looks = [look_of(planned) for planned in plan]
    return {look: looks.count(look) for look in Look if look in looks}


def draw_grid(plan: Sequence[Planned], rows: Mapping[str, int], *, key: str, cell_key: str) -> None:
    """Draw a grid for each grain of a plan. A click on a cell puts its name into the session under `cell_key`.

    `rows` are those loaded of a cell, by its name.
    """
    by_grain = sorted(plan, key=lambda planned: list(Grain).index(planned.partition.period.grain))
    for grain, group in groupby(by_grain, key=lambda planned: planned.partition.period.grain):
        of_grain = list(group)
        drawn = cells_to_draw(of_grain)
        figure, height = grid_figure(drawn, rows)
        own_key = f"{key}-{grain}"
        with st.container(height=min(height, _HEIGHT) + 20, border=False):
            st.plotly_chart(
                figure,
                key=own_key,
                config=CONFIG,
                on_select=lambda own_key=own_key: _take_click(own_key, cell_key),
                selection_mode="points",
                alt=f"Gap grid: each {grain} of each feed",
            )
        if left_out := len(of_grain) - len(drawn):
            st.caption(
                f"Hours of the last {_DAYS_OF_HOURS} days that have any, and gaps. "
                f"{left_out:,} earlier hours are in the list below."
            )


def cells_to_draw(plan: Sequence[Planned]) -> list[Planned]:
    """Of a plan of hours the newest days and all open gaps; of another grain, everything."""
    days = {planned.partition.period.start.date() for planned in plan}
    newest = set(sorted(days, reverse=True)[:_DAYS_OF_HOURS])
    return [
        planned
        for planned in plan
        if planned.partition.period.grain is not Grain.HOUR
        or planned.partition.period.start.date() in newest
        or planned.open_gaps
    ]


def _take_click(key: str, cell_key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        # Among the options of the list, or it is refused there.
        st.session_state[cell_key] = str(points[0]["customdata"][0])


def grid_figure(plan: Sequence[Planned], rows: Mapping[str, int]) -> tuple[go.Figure, int]:
    """The grid of a plan of one grain, the newest block on top, and its height in pixels."""
    grain = plan[0].partition.period.grain
    lines = _lines(plan)
    columns = _columns(grain)
    figure = go.Figure()
    looks = list(Look)
    values: list[list[int | None]] = [[None] * len(columns) for _ in lines]
    signs = [[""] * len(columns) for _ in lines]
    for planned in plan:
        place, look = _place(planned.partition.feed.name, planned.partition.period), look_of(planned)
        line = lines[place.block, place.row]
        values[line][place.column] = looks.index(look)
        signs[line][place.column] = SIGNS.get(look, "")
    figure.add_heatmap(
        z=values,
        text=signs,
        texttemplate="%{text}",
        textfont={"color": "#ffffff", "size": 12},
        colorscale=_scale(looks),
        zmin=-0.5,
        zmax=len(looks) - 0.5,
        showscale=False,
        hoverinfo="skip",
        xgap=2,
        ygap=2,
    )
    figure.add_trace(_clickable(plan, rows, lines))
    height = len(lines) * _ROW_PIXELS + _AXIS_PIXELS
    _style(figure, lines, columns, height)
    return figure, height


def _lines(plan: Iterable[Planned]) -> dict[tuple[str, str], int]:
    """The lines of a grid from the top: by block and row. The title of a block is a line of its own, without a row."""
    blocks: dict[str, dict[str, None]] = {}
    for planned in plan:
        place = _place(planned.partition.feed.name, planned.partition.period)
        blocks.setdefault(place.block, {})[place.row] = None
    found: dict[tuple[str, str], int] = {}
    for block in sorted(blocks, reverse=True):
        for row in ("", *blocks[block]):
            found[block, row] = len(found)
    return found


def _scale(looks: Sequence[Look]) -> list[tuple[float, str]]:
    """A colour scale of steps, one for each look."""
    return [(edge / len(looks), COLOURS[look]) for number, look in enumerate(looks) for edge in (number, number + 1)]


def _clickable(plan: Iterable[Planned], rows: Mapping[str, int], lines: Mapping[tuple[str, str], int]) -> go.Scatter:
    """A point on each cell that cannot be seen: a heat map has no clicks."""
    places = [(planned, _place(planned.partition.feed.name, planned.partition.period)) for planned in plan]
    return go.Scatter(
        x=[place.column for _, place in places],
        y=[lines[place.block, place.row] for _, place in places],
        customdata=[
            (name_of(planned), look_of(planned).value, _rows_in_words(rows.get(name_of(planned))))
            for planned, _ in places
        ],
        mode="markers",
        marker={"size": 20, "symbol": "square", "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}%{customdata[2]}<extra></extra>",
        showlegend=False,
    )


def _rows_in_words(rows: int | None) -> str:
    return "" if rows is None else f", {rows:,} rows"


def _style(figure: go.Figure, lines: Mapping[tuple[str, str], int], columns: Sequence[str], height: int) -> None:
    words = {"color": ink(), "size": 12}
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": _AXIS_PIXELS, "b": 0},
        dragmode=False,
        hovermode="closest",
        clickmode="event+select",
    )
    figure.update_xaxes(
        side="top",
        tickvals=list(range(len(columns))),
        ticktext=list(columns),
        tickangle=0,
        tickfont=words,
        showgrid=False,
        zeroline=False,
        range=[-0.5, len(columns) - 0.5],
        fixedrange=True,
    )
    figure.update_yaxes(
        tickvals=list(lines.values()),
        ticktext=[row or f"<b>{block}</b>" for block, row in lines],
        tickfont=words,
        range=[len(lines) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        ticks="",
    )


def legend(found: Mapping[Look, int]) -> str:
    """The meaning of the colours with counts, as HTML made of nothing but these words."""
    chips = "".join(
        f'<span style="display:inline-flex;align-items:center;gap:.4rem;margin:0 1rem .3rem 0;white-space:nowrap">'
        f'<span style="width:.95rem;height:.95rem;border-radius:.15rem;background:{COLOURS[look]};color:#fff;'
        f'font-size:.7rem;line-height:.95rem;text-align:center">{SIGNS.get(look, "")}</span>{look} {number:,}</span>'
        for look, number in found.items()
    )
    return f'<div style="display:flex;flex-wrap:wrap;font-size:.9rem">{chips}</div>'
