"""Writes the zip with the shape file of the taxi zones, and copies of it with something wrong in them."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import shapefile
from pyproj import CRS
from shapely.geometry import mapping

from ingestion.feeds import Feed
from sandbox.broken_files import EXTRA_COLUMN, FileFormat
from sandbox.broken_zips import damaged_zip
from sandbox.faults import TABLE_FAULTS, Fault
from sandbox.mobility.zone_map import EPSG, zone_shapes

_NAME = "taxi_zones"
# When the published file was made: it is in the zip and in the table of attributes.
_MADE = (2015, 9, 21)

_DEGREES = CRS(4326)


def zone_count(revision: int) -> int:
    """How many shapes the file has."""
    return len(zone_shapes(revision))


def write_zones_file(path: Path, *, revision: int) -> None:
    """Write the zip, with the columns of the published file."""
    writer, files = _writer()
    for name, *kind in _FIELDS:
        writer.field(name, *kind)
    for number, zone in enumerate(zone_shapes(revision), start=1):
        writer.shape(mapping(zone.polygon))
        # As published: length and area in degrees, which nobody can use.
        size = (zone.polygon.length / 3e5, zone.polygon.area / 1e11)
        writer.record(number, *size, zone.zone, zone.location_id, zone.borough)
    _close(writer, files, path)


_FIELDS = (
    ("OBJECTID", "N", 9, 0),
    ("Shape_Leng", "F", 19, 11),
    ("Shape_Area", "F", 19, 11),
    ("zone", "C", 254, 0),
    ("LocationID", "N", 4, 0),
    ("borough", "C", 254, 0),
)


def _writer() -> tuple[Any, dict[str, io.BytesIO]]:
    files = {suffix: io.BytesIO() for suffix in ("shp", "shx", "dbf")}
    return shapefile.Writer(**files, shapeType=shapefile.POLYGON), files


def _close(writer: Any, files: Mapping[str, io.BytesIO], path: Path, reference_system: CRS | None = None) -> None:
    """Finish the files and zip them. Their bytes depend on nothing but what was written."""
    writer.close()
    contents = {suffix: file.getvalue() for suffix, file in files.items()}
    # pyshp writes today's date.
    year, month, day = _MADE
    contents["dbf"] = contents["dbf"][:1] + bytes((year - 1900, month, day)) + contents["dbf"][4:]
    contents["prj"] = (reference_system or CRS(EPSG)).to_wkt("WKT1_ESRI").encode()
    with ZipFile(path, "w") as archive:
        for suffix, content in contents.items():
            info = ZipInfo(f"{_NAME}.{suffix}", (*_MADE, 14, 0, 0))
            archive.writestr(info, content, ZIP_DEFLATED)


def _write_broken(feed: Feed, whole: Path, path: Path, fault: Fault) -> None:
    match fault:
        case Fault.EMPTY_ZIP:
            ZipFile(path, "w").close()
        case Fault.ENCRYPTED_ZIP | Fault.CORRUPT_ZIP:
            path.write_bytes(damaged_zip(whole.read_bytes(), fault))
        case _:
            _write_changed(whole, path, fault)


def _write_changed(whole: Path, path: Path, fault: Fault) -> None:
    """Write the shapes again, with other columns, values, geometries or another reference system."""
    with ZipFile(whole) as archive:
        shp, dbf = (io.BytesIO(archive.read(f"{_NAME}.{suffix}")) for suffix in ("shp", "dbf"))
    reader = shapefile.Reader(shp=shp, dbf=dbf)
    writer, files = _writer()
    for name, kind, *size in _FIELDS:
        is_id = name == "LocationID"
        renamed = "ZoneNumber" if is_id and fault is Fault.MISSING_COLUMN else name
        writer.field(renamed, *(("C", 20, 0) if is_id and fault is Fault.WRONG_TYPES else (kind, *size)))
    if fault is Fault.EXTRA_COLUMN:
        writer.field(EXTRA_COLUMN[:10], "C", 20, 0)
    for number, one in enumerate([] if fault is Fault.NO_ROWS else reader.iterShapeRecords()):
        is_broken = number == len(reader) // 2
        if is_broken and fault is Fault.NO_SHAPE:
            writer.null()
        else:
            writer.shape(one.shape)
        values = list(one.record)
        if fault is Fault.WRONG_TYPES:
            values[4] = "somewhere" if is_broken else str(values[4])
        writer.record(*values, *(["new"] if fault is Fault.EXTRA_COLUMN else []))
    _close(writer, files, path, _DEGREES if fault is Fault.OTHER_REFERENCE_SYSTEM else None)


SHAPE_FILE = FileFormat(
    TABLE_FAULTS
    | {
        Fault.EMPTY_ZIP,
        Fault.ENCRYPTED_ZIP,
        Fault.CORRUPT_ZIP,
        Fault.NO_SHAPE,
        Fault.OTHER_REFERENCE_SYSTEM,
    },
    _write_broken,
)
