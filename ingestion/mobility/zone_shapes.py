"""Reading the shape file of the taxi zones: from polygons in feet to simplified ones in degrees, as GeoJSON.

Neighbours are simplified together, so that they still share their border: no gap opens between them on a map.
"""

import json
import struct
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapefile
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from shapely.geometry import mapping, shape

from ingestion.partitions import Partition
from ingestion.raw_data import raw_column_types
from ingestion.readers.columns import check_names, select_columns
from ingestion.readers.published import SCRATCH, PublishedRows, notes_on, open_scratch
from ingestion.readers.published_file import PublishedFile, shortened
from ingestion.readers.zips import extract_one_of_each

_EPSG = 2263
_CRS_NAME = f"EPSG:{_EPSG} (New York Long Island, in feet)"

# The file has 1.8 MB, 263 shapes and 98,192 points.
_MAX_BYTES = 50_000_000
_MAX_SHAPES = 5_000

# A border may move by about this much. With it all zones together have 300 kB of GeoJSON.
_TOLERANCE_FEET = 75
# A hundred-thousandth of a degree is about a metre.
_DECIMALS = 5

# New York with Newark, and what is around: west, south, east, north.
_BOUNDS = (-75.5, 39.5, -72.5, 42.0)

_GEOMETRY = "geometry"

# What pyshp raises for files that are not whole, or not as it knows them.
_NOT_WHOLE = (
    shapefile.GeoJSON_Error,
    shapefile.RingSamplingError,
    shapefile.ShapefileException,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)

Geometries = npt.NDArray[np.object_]


def read_zone_shapes(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The records of the shape file in its order, with their attributes and their polygons as GeoJSON.

    Raises:
        UnreadableFileError: the file is not a whole zip with a shape file of polygons in New York, or a value is not of
            the declared type.
    """
    file = PublishedFile(partition, path)
    unpacked = extract_one_of_each(file, (".shp", ".dbf", ".prj"), _MAX_BYTES)
    _check_reference_system(file, unpacked[".prj"])
    names, records, shapes = _read_shape_file(file, unpacked[".shp"], unpacked[".dbf"])
    table = _attributes(file, names, records).append_column(_GEOMETRY, pa.array(_as_geojson(file, shapes), pa.string()))
    return _as_rows(file, table, connection)


def _as_rows(file: PublishedFile, table: pa.Table, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    open_scratch(connection, file.path, table.nbytes)
    connection.register("shapes_read", table)
    connection.execute(f"create table {SCRATCH}.shapes as from shapes_read")
    connection.unregister("shapes_read")
    described = connection.execute(f"describe {SCRATCH}.shapes").fetchall()
    types = {name: kind for name, kind, *_ in described}
    selection = select_columns(file, types, raw_column_types(file.partition.feed, connection))
    query = f"select {selection.select_list}, rowid as source_row from {SCRATCH}.shapes"
    _check_zones(file, query, connection)
    return PublishedRows(
        file,
        query=query,
        columns=selection.columns,
        count=table.num_rows,
        notes=notes_on(selection, f"{SCRATCH}.shapes", connection),
    )


def _check_zones(file: PublishedFile, query: str, connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a shape that is of no zone. Loaded, it would replace a file that maps can be drawn from."""
    odd = (
        f"select source_row, location_id from ({query}) where coalesce(location_id, 0) < 1 order by source_row limit 1"
    )
    try:
        found = connection.execute(odd).fetchall()
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise file.wrong_values(error) from error
    for row, number in found:
        came = f"record {row + 1} has {'none' if number is None else number}"
        raise file.unreadable("a number from 1 for each zone", came)


def _check_reference_system(file: PublishedFile, path: Path) -> None:
    text = path.read_bytes()[:10_000].decode(errors="replace")
    try:
        found = CRS.from_wkt(text)
    except ProjError as error:
        raise file.unreadable(f"shapes in {_CRS_NAME}", f"the .prj file says {shortened(text, 80)!r}") from error
    if found.to_epsg() != _EPSG:
        raise file.unreadable(
            f"shapes in {_CRS_NAME}",
            f"they are in {shortened(found.name, 80)!r}",
            f"If the TLC changed it for good, {file.partition.feed.declared_in} must follow.",
        )


def _read_shape_file(
    file: PublishedFile, shp: Path, dbf: Path
) -> tuple[list[str], list[list[Any]], list[shapefile.Shape]]:
    """The names of the attributes, the records, and the shape of each."""
    try:
        with shp.open("rb") as shapes_file, dbf.open("rb") as records_file:
            reader = shapefile.Reader(shp=shapes_file, dbf=records_file)
            if reader.numRecords > _MAX_SHAPES:
                raise file.beyond_bounds(f"at most {_MAX_SHAPES:,} shapes", f"it has {reader.numRecords:,}")
            names = [field[0] for field in reader.fields if field[0] != "DeletionFlag"]
            records = [list(record) for record in reader.records()]
            shapes = list(reader.shapes())
    except _NOT_WHOLE as error:
        raise file.unreadable(
            "a whole shape file (.shp and .dbf)",
            f"it cannot be read ({shortened(str(error) or type(error).__name__)})",
        ) from error
    if not shapes or len(shapes) != len(records):
        raise file.unreadable("a shape for each record", f"it has {len(shapes):,} shapes and {len(records):,} records")
    return names, records, shapes


def _attributes(file: PublishedFile, names: Sequence[str], records: Sequence[Sequence[Any]]) -> pa.Table:
    check_names(names, file)
    columns = [_column([record[number] for record in records]) for number in range(len(names))]
    return pa.table(columns, names=list(names))


def _column(values: Sequence[Any]) -> pa.Array:
    """Values as the numbers or dates that they all are, or else as texts."""
    given = [value for value in values if value is not None]
    kinds = {type(value) for value in given}
    if given and kinds == {int} and all(-(2**63) <= value < 2**63 for value in given):
        return pa.array(values, pa.int64())
    if given and kinds <= {int, float} and float in kinds:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if given and kinds == {date}:
        return pa.array(values, pa.date32())
    texts = [None if value is None else str(value).strip("\0 ") for value in values]
    return pa.array(texts, pa.string())


def _as_geojson(file: PublishedFile, shapes: Sequence[shapefile.Shape]) -> list[str]:
    """The shapes as MultiPolygons in longitude and latitude."""
    geometries = np.array([_polygon(file, number, one) for number, one in enumerate(shapes)], dtype=object)
    try:
        geometries = shapely.coverage_simplify(_with_shared_borders(geometries), _TOLERANCE_FEET)
        # Valid again where rounding made a ring touch itself.
        geometries = shapely.set_precision(_in_degrees(geometries), 10.0**-_DECIMALS)
    except (shapely.errors.ShapelyError, ProjError) as error:
        raise file.unreadable("polygons", f"they cannot be simplified ({shortened(str(error))})") from error
    west, south, east, north = shapely.total_bounds(geometries)
    if not (_BOUNDS[0] <= west and _BOUNDS[1] <= south and east <= _BOUNDS[2] and north <= _BOUNDS[3]):
        raise file.unreadable(
            f"zones of New York, within longitude and latitude {_BOUNDS}",
            f"they reach from {west:.3f}, {south:.3f} to {east:.3f}, {north:.3f}",
        )
    return [_geojson(geometry) for geometry in geometries]


def _with_shared_borders(geometries: Geometries) -> Geometries:
    """The shapes with borders that neighbours share to the last digit.

    Many published borders differ by a hair. They would be simplified apart, and leave gaps of up to nine metres.
    """
    cleaned = shapely.coverage_clean(geometries)
    # A shape that lies wholly under another one is left as it is.
    shared: Geometries = np.where(shapely.is_empty(cleaned), geometries, cleaned)
    return shared


def _polygon(file: PublishedFile, number: int, published: shapefile.Shape) -> Any:
    try:
        geometry = shape(published.__geo_interface__)
        if geometry.geom_type not in ("Polygon", "MultiPolygon"):
            raise ValueError(published.shapeTypeName)
        if not np.isfinite(shapely.get_coordinates(geometry)).all():
            raise ValueError("a coordinate is not a number")
        if not geometry.is_valid:
            geometry = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
        if geometry.is_empty:
            raise ValueError("it has no area")
    except (*_NOT_WHOLE, shapely.errors.ShapelyError) as error:
        raise file.unreadable(
            "a polygon in each record", f"record {number + 1} has none ({shortened(str(error), 80)})"
        ) from error
    return geometry


def _in_degrees(geometries: Geometries) -> Geometries:
    def degrees(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(_to_degrees().transform(points[:, 0], points[:, 1]))

    found: Geometries = shapely.transform(geometries, degrees)
    return found


@cache
def _to_degrees() -> Transformer:
    return Transformer.from_crs(_EPSG, 4326, always_xy=True)


def _geojson(geometry: Any) -> str:
    """A MultiPolygon, whatever there was: the polygons of two are put together by writing them in a row."""
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    coordinates = [
        [[[round(value, _DECIMALS) for value in point] for point in ring] for ring in mapping(polygon)["coordinates"]]
        for polygon in polygons
    ]
    return json.dumps({"type": "MultiPolygon", "coordinates": coordinates}, separators=(",", ":"))
