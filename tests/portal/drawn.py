"""Read the charts of a page as they are sent to the browser."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest


def figure_of(page: AppTest, title: str) -> dict[str, Any]:
    """The chart under a title, as it is sent to the browser."""
    chart = next(one for one in page.get("plotly_chart") if one.proto.alt.startswith(f"{title}:"))
    found: dict[str, Any] = json.loads(chart.proto.spec)
    return found


def values_of(trace: Mapping[str, Any], axis: str) -> list[Any]:
    """The values of a trace. Plotly sends numbers as bytes."""
    values = trace[axis]
    if isinstance(values, dict):
        flat = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
        shape = values.get("shape")
        return (flat.reshape([int(part) for part in shape.split(",")]) if shape else flat).tolist()  # type: ignore[no-any-return]
    return list(values)


def by_name(figure: Mapping[str, Any], x: str = "x", y: str = "y") -> dict[tuple[str, Any], float]:
    """What a chart draws, by legend and place."""
    return {
        (trace["name"], str(place)[:10]): value
        for trace in figure["data"]
        for place, value in zip(values_of(trace, x), values_of(trace, y), strict=True)
    }


def all_figures(page: AppTest) -> list[dict[str, Any]]:
    """All charts of a page."""
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
