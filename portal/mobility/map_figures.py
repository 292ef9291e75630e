"""The map's figures: zones as polygons, stations as dots. They ask no other host."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from portal.colours import ink, is_dark
from portal.mobility.map_data import Measure

_HEIGHT = 620

# No tiles and no fonts, so that no other host is asked. With a style of one's own, even an empty one, Plotly fails
# whenever it draws the map again, and clicks lead nowhere.
_STYLE = "white-bg"
_EVERYWHERE = {
    "type": "Polygon",
    "coordinates": [[[-180, -85], [180, -85], [180, 85], [-180, 85], [-180, -85]]],
}

_GREY = ["rgba(128,140,150,0.16)"] * 2
_NO_COLOUR = ["rgba(0,0,0,0)"] * 2
_BORDER = {"width": 0.7, "color": "rgba(165,177,187,0.5)"}
_CHOSEN = {"width": 3, "color": "#b8593a"}
# Readable on white and on black.
_SEQUENTIAL = ["#d3e4ec", "#a8cbd9", "#7dafc4", "#5293ad", "#2f7695", "#1f5a78", "#153f59"]
_DIVERGING = ["#b5544b", "#cf8d85", "#a7b0b8", "#7dafc4", "#2f6f8f"]

# A scale of means leaves out the outermost values, which are of few trips.
_OUTERMOST = 0.03

_LARGEST_DOT, _SMALLEST_DOT = 17, 3

# Stations with fewer rides than this share of the busiest do not widen the map.
_BUSY = 0.01

# Of counts below 1,000 the legend has a step between the powers of ten.
_POWERS_WITH_STEPS = 3

_PIXELS_ACROSS, _PIXELS_DOWN = 370, 540


def zone_map(rows: pd.DataFrame, polygons: dict[str, Any], measure: Measure, chosen: int | None = None) -> go.Figure:
    """Zones coloured by value; those without one are grey. A zone may be outlined as the chosen one."""
    drawn = {feature["id"] for feature in polygons["features"]}
    shown = rows[rows["zone_id"].isin(drawn) & rows["value"].notna()]
    figure = go.Figure(_outlines(polygons))
    if not shown.empty:
        scale = _scale(shown["value"], measure)
        figure.add_trace(
            go.Choroplethmap(
                geojson=polygons,
                locations=shown["zone_id"],
                z=scale.numbers,
                zmin=scale.lowest,
                zmax=scale.highest,
                colorscale=scale.colours,
                colorbar=scale.legend,
                customdata=shown[["zone", "borough", "value", "trips"]],
                hovertemplate=_zone_words(measure),
                marker={"line": _BORDER, "opacity": 0.9},
                # A click chooses a zone. It must not fade the others.
                selected={"marker": {"opacity": 0.9}},
                unselected={"marker": {"opacity": 0.9}},
            )
        )
    if chosen is not None and chosen in drawn:
        figure.add_trace(_outlined(polygons, chosen))
    return _styled(figure, *_corners(polygons))


def station_map(rows: pd.DataFrame, polygons: dict[str, Any] | None, measure: Measure) -> go.Figure:
    """Stations where they are, larger with more rides, on the outlines of the zones if there are any."""
    shown = rows[rows["latitude"].notna()].iloc[::-1]  # the largest last: above the others
    figure = go.Figure(_outlines(polygons, is_hoverable=False) if polygons else [])
    if not shown.empty:
        values = shown[measure.name]
        scale = _scale(values, measure)
        sizes = _SMALLEST_DOT + (_LARGEST_DOT - _SMALLEST_DOT) * np.sqrt(shown["rides"] / shown["rides"].max())
        figure.add_trace(
            go.Scattermap(
                lat=shown["latitude"],
                lon=shown["longitude"],
                mode="markers",
                marker={
                    "size": sizes,
                    "color": scale.numbers,
                    "cmin": scale.lowest,
                    "cmax": scale.highest,
                    "colorscale": scale.colours,
                    "colorbar": scale.legend,
                },
                customdata=shown.assign(name=shown["station"].fillna(shown["station_id"]))[
                    ["name", "departures", "arrivals", "balance"]
                ],
                hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]:,} departures<br>%{customdata[2]:,} arrivals"
                "<br>balance %{customdata[3]:+,}<extra></extra>",
            )
        )
    # The whole of it would be mostly empty: what bikes of another city come to now and then is left out.
    busy = shown[shown["rides"] >= _BUSY * shown["rides"].max()]
    return _styled(figure, busy["latitude"], busy["longitude"])


def _corners(polygons: dict[str, Any]) -> tuple[pd.Series, pd.Series]:
    """Latitudes and longitudes of the corners of all polygons."""
    points = [
        point
        for feature in polygons["features"]
        for polygon in feature["geometry"]["coordinates"]
        for point in polygon[0]
    ]
    longitudes, latitudes = zip(*points, strict=True)
    return pd.Series(latitudes), pd.Series(longitudes)


def _zone_words(measure: Measure) -> str:
    form = ":,.0f" if measure.kind == "count" else ":,.2f"
    of_trips = "" if measure.kind == "count" else "<br>%{customdata[3]:,} trips"
    return (
        f"<b>%{{customdata[0]}}</b>, %{{customdata[1]}}<br>%{{customdata[2]{form}}} {measure.unit}{of_trips}"
        "<extra></extra>"
    )


def _outlines(polygons: dict[str, Any], *, is_hoverable: bool = True) -> go.Choroplethmap:
    """All zones in grey, below those that have a value."""
    ids = [feature["id"] for feature in polygons["features"]]
    return go.Choroplethmap(
        geojson=polygons,
        locations=ids,
        z=[0] * len(ids),
        colorscale=_GREY,
        showscale=False,
        marker={"line": _BORDER},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertemplate="no trips<extra></extra>",
        hoverinfo=None if is_hoverable else "skip",
    )


def _outlined(polygons: dict[str, Any], zone_id: int) -> go.Choroplethmap:
    return go.Choroplethmap(
        geojson=polygons,
        locations=[zone_id],
        z=[0],
        colorscale=_NO_COLOUR,
        showscale=False,
        marker={"line": _CHOSEN},
        hoverinfo="skip",
    )


@dataclass(frozen=True)
class _Scale:
    """Values as colours: the numbers, the colours from the lowest to the highest, and the legend."""

    numbers: pd.Series
    colours: list[str]
    lowest: float
    highest: float
    legend: dict[str, Any]


def _scale(values: pd.Series, measure: Measure) -> _Scale:
    """Counts by their logarithm, because a few zones have most trips; a balance with 0 in the middle."""
    words = {"color": ink(), "size": 12}
    legend = {"title": {"text": measure.unit, "side": "top", "font": words}, "tickfont": words, **_LEGEND}
    values = values.astype(float)
    if measure.kind == "count":
        ticks = _round_numbers(values.max())
        legend |= {"tickvals": [math.log10(tick) for tick in ticks], "ticktext": [_in_short(tick) for tick in ticks]}
        numbers = np.log10(values.clip(lower=1))
        lowest = numbers.quantile(_OUTERMOST)
        return _Scale(numbers, _sequential(), lowest, max(numbers.max(), lowest + 0.5), legend)
    if measure.kind == "balance":
        most = max(values.abs().quantile(1 - _OUTERMOST), 1)
        return _Scale(values, _DIVERGING, -most, most, legend)
    low, high = values.quantile(_OUTERMOST), values.quantile(1 - _OUTERMOST)
    return _Scale(values, _sequential(), low, max(high, low + 0.01), legend)


_LEGEND = {
    "orientation": "h",
    "thickness": 8,
    "len": 220,
    "lenmode": "pixels",
    "x": 0,
    "xpad": 0,
    "xanchor": "left",
    "y": 1.0,
    "yanchor": "bottom",
    "outlinewidth": 0,
    "tickangle": 0,
}


def _round_numbers(most: float) -> list[int]:
    """1, 3, 10, 30, 100 … up to the largest count; of a large one 1, 10, 100 … which have room."""
    powers = range(int(math.log10(max(most, 1))) + 1)
    steps = (1, 3) if len(powers) <= _POWERS_WITH_STEPS else (1,)
    return [step * 10**power for power in powers for step in steps if step * 10**power <= most]


def _in_short(number: int) -> str:
    """A round number: `300`, `30k`, `1M`."""
    for size, unit in ((10**6, "M"), (1000, "k")):
        if number >= size:
            return f"{number // size:,}{unit}"
    return f"{number}"


def _sequential() -> list[str]:
    """Colours from little to much: much is what stands out from the page."""
    return _SEQUENTIAL[::-1] if is_dark() else _SEQUENTIAL


def _dark_background() -> list[dict[str, Any]]:
    """The page's colour over the white of the style, where the page is dark."""
    if not is_dark():
        return []
    colour = st.get_option("theme.dark.backgroundColor")
    return [{"sourcetype": "geojson", "source": _EVERYWHERE, "type": "fill", "color": colour, "below": "traces"}]


def _styled(figure: go.Figure, latitudes: pd.Series, longitudes: pd.Series) -> go.Figure:
    """The figure, showing what lies between these. At zoom 0 the world is 512 pixels wide."""
    south, north, west, east = latitudes.min(), latitudes.max(), longitudes.min(), longitudes.max()
    # As many pixels as a telephone has across, and the map from top to bottom, where a degree is longer.
    across, down = _PIXELS_ACROSS / max(east - west, 0.01), _PIXELS_DOWN * 0.76 / max(north - south, 0.01)
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 0, "r": 0, "t": 56, "b": 0},
        map={
            "style": _STYLE,
            "center": {"lat": (south + north) / 2, "lon": (west + east) / 2},
            "zoom": math.log2(360 / 512 * min(across, down)),
            "layers": _dark_background(),
        },
        showlegend=False,
        clickmode="event+select",
    )
    return figure
