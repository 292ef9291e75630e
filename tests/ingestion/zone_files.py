"""The zip with the shapes of the taxi zones, changed as nobody should publish it."""

import io
import zipfile
from collections.abc import Callable
from itertools import pairwise

import shapefile

Ring = list[tuple[float, float]]


def changed(content: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """The zip with other entries."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    return target.getvalue()


def with_zone_number(record: int, kind: str, value: object) -> Callable[[dict[str, bytes]], object]:
    """The same records, with another number of the zone in one of them, in a column of this kind (N, F or C)."""

    def change(entries: dict[str, bytes]) -> None:
        reader = shapefile.Reader(shp=io.BytesIO(entries["taxi_zones.shp"]), dbf=io.BytesIO(entries["taxi_zones.dbf"]))
        target = io.BytesIO()
        writer = shapefile.Writer(dbf=target)
        for name, *described in reader.fields[1:]:
            writer.field(name, *((kind, 20, 3 if kind == "F" else 0) if name == "LocationID" else described))
        for number, one in enumerate(reader.records(), start=1):
            writer.record(**{**one.as_dict(), "LocationID": value if number == record else one["LocationID"]})
        writer.close()
        entries["taxi_zones.dbf"] = target.getvalue()

    return change


def redraw(entries: dict[str, bytes], draw: Callable[[Ring], Ring]) -> None:
    """The same records, with each ring of their polygons drawn otherwise."""
    reader = shapefile.Reader(shp=io.BytesIO(entries["taxi_zones.shp"]))
    target = io.BytesIO()
    writer = shapefile.Writer(shp=target, shapeType=shapefile.POLYGON)
    for one in reader.iterShapes():
        edges = [*one.parts, len(one.points)]
        writer.poly([draw(list(one.points[start:end])) for start, end in pairwise(edges)])
    writer.close()
    entries["taxi_zones.shp"] = target.getvalue()
