"""A map of taxi zones that is not New York's, but like it: boroughs in their places, cut into cells, a zone each.

As in the published file, zones 56 and 103 have several shapes, and 57, 104 and 105, which lie beside them, have none.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from shapely.geometry import MultiPoint, Polygon, box
from shapely.ops import voronoi_diagram

from warehouse.paths import PROJECT_ROOT

_LOOKUP = PROJECT_ROOT / "dbt/seeds/mobility/taxi_zone_lookup.csv"

EPSG = 2263

# Zones that are drawn with several shapes, and how many; and zones that are not drawn.
SHAPES_OF_ZONES = {56: 2, 103: 3}
NOT_DRAWN = frozenset({57, 104, 105})
_LAST_ZONE = 263

# Outlines with few corners, in longitude and latitude. Brooklyn and Queens share a border.
_BORDER = ((-73.962, 40.738), (-73.925, 40.722), (-73.896, 40.683), (-73.866, 40.695), (-73.855, 40.645))
_OUTLINES: dict[str, Sequence[tuple[float, float]]] = {
    "EWR": ((-74.19, 40.67), (-74.15, 40.69), (-74.16, 40.71), (-74.19, 40.70)),
    "Manhattan": (
        (-74.018, 40.703), (-74.010, 40.752), (-73.972, 40.796), (-73.934, 40.877), (-73.911, 40.873),
        (-73.930, 40.835), (-73.929, 40.800), (-73.942, 40.776), (-73.972, 40.741), (-73.974, 40.711),
    ),
    "Bronx": (
        (-73.926, 40.802), (-73.926, 40.836), (-73.907, 40.874), (-73.917, 40.915), (-73.858, 40.902),
        (-73.785, 40.883), (-73.781, 40.847), (-73.836, 40.806), (-73.885, 40.796),
    ),
    "Queens": (
        *_BORDER, (-73.835, 40.590), (-73.940, 40.545), (-73.755, 40.592), (-73.728, 40.655), (-73.701, 40.752),
        (-73.772, 40.795), (-73.862, 40.785), (-73.935, 40.778),
    ),
    "Brooklyn": (
        *_BORDER, (-73.889, 40.583), (-74.004, 40.573), (-74.041, 40.613), (-74.020, 40.677), (-73.997, 40.701),
        (-73.969, 40.707),
    ),
    "Staten Island": (
        (-74.053, 40.605), (-74.073, 40.648), (-74.180, 40.644), (-74.202, 40.615), (-74.244, 40.510),
        (-74.130, 40.548),
    ),
}  # fmt: skip

_ROUNDS_OF_EVENING_OUT = 4


@dataclass(frozen=True)
class ZoneShape:
    """A shape of a zone, in feet."""

    location_id: int
    zone: str
    borough: str
    polygon: Any


def zone_shapes(revision: int = 0) -> list[ZoneShape]:
    """The shapes in the order of the published file. A revision has one shape more of zone 103 than that before."""
    found = []
    for borough, zones in _zones_by_borough().items():
        drawn = [(number, name) for number, name in zones if number not in NOT_DRAWN]
        for (number, name), cell in zip(drawn, _cells(Polygon(_OUTLINES[borough]), len(drawn)), strict=True):
            parts = SHAPES_OF_ZONES.get(number, 1) + (revision if number == 103 else 0)
            found += [ZoneShape(number, name, borough, _in_feet(part)) for part in _cut(cell, parts)]
    return sorted(found, key=lambda shape: shape.location_id)


def _zones_by_borough() -> dict[str, list[tuple[int, str]]]:
    zones: dict[str, list[tuple[int, str]]] = {}
    with _LOOKUP.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if int(row["locationid"]) <= _LAST_ZONE:
                zones.setdefault(row["borough"], []).append((int(row["locationid"]), row["zone"]))
    return zones


def _cells(outline: Polygon, count: int) -> list[Any]:
    """The outline, cut into so many cells of about one size, from north to south."""
    points = _points_within(outline, count)
    for _ in range(_ROUNDS_OF_EVENING_OUT):
        points = [cell.representative_point() for cell in _around(points, outline)]
    return sorted(_around(points, outline), key=lambda cell: (-cell.centroid.y, cell.centroid.x))


def _points_within(outline: Polygon, count: int) -> list[Any]:
    """Points that are spread evenly, and always the same: Halton's sequence."""
    west, south, east, north = outline.bounds
    points: list[Any] = []
    number = 0
    while len(points) < count:
        number += 1
        point = shapely.Point(west + _halton(number, 2) * (east - west), south + _halton(number, 3) * (north - south))
        if outline.contains(point):
            points.append(point)
    return points


def _halton(number: int, base: int) -> float:
    value, share = 0.0, 1.0
    while number:
        number, digit = divmod(number, base)
        share /= base
        value += digit * share
    return value


def _around(points: list[Any], outline: Polygon) -> list[Any]:
    """What of the outline is nearer to each point than to the others; of several parts that with the point."""
    if len(points) == 1:
        return [outline]
    diagram = voronoi_diagram(MultiPoint(points), envelope=outline.envelope.buffer(1))
    cells = [next(cell for cell in diagram.geoms if cell.contains(point)) for point in points]
    return [shapely.intersection(cell, outline) for cell in cells]


def _cut(cell: Any, parts: int) -> list[Any]:
    """A cell, cut into slices from west to east."""
    west, south, east, north = cell.bounds
    edges = np.linspace(west, east, parts + 1)
    return [cell.intersection(box(edges[n], south, edges[n + 1], north)) for n in range(parts)]


def _in_feet(geometry: Any) -> Any:
    def feet(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(_TO_FEET.transform(points[:, 0], points[:, 1]))

    return shapely.transform(geometry, feet)


_TO_FEET = Transformer.from_crs(4326, EPSG, always_xy=True)
