"""The reader of the zones' shape file: of real files, of sample files, and of files that nobody should publish."""

import contextlib
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
import shapefile
import shapely
from pyproj import Geod
from shapely.geometry import shape

from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.partitions import Partition
from sandbox.broken_files import write_broken_file
from sandbox.faults import Fault
from sandbox.files import write_file
from sandbox.mobility.taxi_zones import SHAPE_FILE
from tests.ingestion.zone_files import Ring, changed, redraw

ZONES = FEEDS["taxi_zones"]
PARTITION = Partition(ZONES, ZONES.first_period)
NEW_YORK = 'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]]]'


class Zone(NamedTuple):
    """A row that was read."""

    location_id: int
    zone: str
    borough: str
    geometry: Any


def _rows(path: Path) -> list[Zone]:
    with duckdb.connect() as connection:
        published = ZONES.publisher.read(PARTITION, path, connection)
        found = connection.execute(
            f"select location_id, zone, borough, geometry, source_row from ({published.query}) order by source_row"
        ).fetchall()
    assert len(found) == published.count
    assert [row[4] for row in found] == list(range(published.count))
    return [Zone(row[0], row[1], row[2], shape(json.loads(row[3]))) for row in found]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The sample file."""
    return write_file("taxi_zones", date(2025, 1, 1), tmp_path_factory.mktemp("zones"), rows=1).read_bytes()


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], list[Zone]]:
    def read(content: bytes) -> list[Zone]:
        path = tmp_path / "taxi_zones.zip"
        path.write_bytes(content)
        return _rows(path)

    return read


def _assert_is_the_map_of_the_city(rows: list[Zone]) -> None:
    assert len(rows) == 263
    counts = {number: sum(row.location_id == number for row in rows) for number in range(1, 266)}
    assert {number: count for number, count in counts.items() if count != 1} == {
        **{56: 2, 103: 3},
        **dict.fromkeys((57, 104, 105, 264, 265), 0),
    }
    assert {row.geometry.geom_type for row in rows} == {"MultiPolygon"}
    assert all(row.geometry.is_valid and not row.geometry.is_empty for row in rows)
    assert sum(len(json.dumps(shapely.geometry.mapping(row.geometry))) for row in rows) < 900_000
    jfk = next(row for row in rows if row.location_id == 132)
    assert (jfk.zone, jfk.borough) == ("JFK Airport", "Queens")


def test_the_sample_file_is_like_the_published_one(published: bytes, read: Callable[[bytes], list[Zone]]) -> None:
    rows = read(published)

    _assert_is_the_map_of_the_city(rows)
    boroughs = {row.borough for row in rows}
    assert boroughs == {"EWR", "Queens", "Bronx", "Manhattan", "Staten Island", "Brooklyn"}


@pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")
def test_the_real_file_is_read_simplified_and_in_place(read: Callable[[bytes], list[Zone]], tmp_path: Path) -> None:
    content = (Path(os.environ["REAL_DATA_DIR"]) / "misc/taxi_zones.zip").read_bytes()
    rows = read(content)

    _assert_is_the_map_of_the_city(rows)
    _assert_neighbours_share_their_borders(rows)
    jfk = next(row for row in rows if row.location_id == 132)
    assert jfk.geometry.contains(shapely.Point(-73.7858, 40.6441))  # the middle of the airport
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        reader = shapefile.Reader(
            shp=io.BytesIO(archive.read("taxi_zones.shp")), dbf=io.BytesIO(archive.read("taxi_zones.dbf"))
        )
        square_feet = sum(shape(one.__geo_interface__).area for one in reader.shapes())
    square_metres = sum(abs(Geod(ellps="GRS80").geometry_area_perimeter(row.geometry)[0]) for row in rows)
    assert square_metres == pytest.approx(square_feet * (1200 / 3937) ** 2, rel=0.002)


def _assert_neighbours_share_their_borders(rows: list[Zone]) -> None:
    """Where borders were simplified apart, the union would have holes, or zones would overlap."""
    zones = [row.geometry for row in rows]
    union = shapely.union_all(zones)
    assert sum(one.area for one in zones) == pytest.approx(union.area, rel=1e-5)
    # A hundred-thousandth of a degree, to which points are rounded, is about a metre.
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(union) for ring in part.interiors]
    assert [hole for hole in holes if 2 * hole.area / hole.length > 1e-5] == []
    assert sum(hole.area for hole in holes) < 1e-5 * union.area


def test_neighbours_still_share_their_border(published: bytes, read: Callable[[bytes], list[Zone]]) -> None:
    _assert_neighbours_share_their_borders(read(published))


def _all_as_the_first(entries: dict[str, bytes]) -> None:
    """Every zone has the shape of the first."""
    first: list[Ring] = []

    def replace(ring: Ring) -> Ring:
        first.append(ring)
        return first[0]

    redraw(entries, replace)


def test_a_shape_that_is_there_twice_is_read_twice(published: bytes, read: Callable[[bytes], list[Zone]]) -> None:
    rows = read(changed(published, _all_as_the_first))
    assert len(rows) == 263
    assert not any(row.geometry.is_empty for row in rows)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.TRUNCATED, "a whole zip"),
        (Fault.HTML, "a whole zip"),
        (Fault.EMPTY_ZIP, "one file of each of .shp, .dbf, .prj, but it holds nothing"),
        (Fault.ENCRYPTED_ZIP, "without a password"),
        (Fault.CORRUPT_ZIP, "a whole zip"),
        (Fault.MISSING_COLUMN, "location_id is missing"),
        (Fault.NO_ROWS, "0 shapes and 0 records"),
        (Fault.NO_SHAPE, "a polygon in each record, but record 132 has none"),
        (Fault.OTHER_REFERENCE_SYSTEM, "EPSG:2263"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong(fault: Fault, said: str, published: bytes, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.zip", tmp_path / "taxi_zones.zip"
    whole.write_bytes(published)
    write_broken_file(SHAPE_FILE, ZONES, whole, broken, fault)

    with pytest.raises(UnreadableFileError) as refused:
        _rows(broken)

    assert said in str(refused.value)
    assert str(refused.value).startswith("taxi_zones.zip: expected ")
    assert len(str(refused.value)) < 600


def test_a_new_column_is_kept(published: bytes, tmp_path: Path) -> None:
    whole, changed = tmp_path / "whole.zip", tmp_path / "taxi_zones.zip"
    whole.write_bytes(published)
    write_broken_file(SHAPE_FILE, ZONES, whole, changed, Fault.EXTRA_COLUMN)

    with duckdb.connect() as connection:
        rows = ZONES.publisher.read(PARTITION, changed, connection)
        assert [column.name for column in rows.new_columns] == ["never_seen"]
        assert connection.execute(f"select distinct never_seen from ({rows.query})").fetchall() == [("new",)]


def _points() -> dict[str, bytes]:
    files = {suffix: io.BytesIO() for suffix in ("shp", "shx", "dbf")}
    writer = shapefile.Writer(**files, shapeType=shapefile.POINT)
    writer.field("LocationID", "N", 4, 0)
    writer.point(980_000, 200_000)
    writer.record(1)
    writer.close()
    return {f"taxi_zones.{suffix}": file.getvalue() for suffix, file in files.items()}


def _elsewhere(entries: dict[str, bytes]) -> None:
    """Every point lies in the sea."""
    redraw(entries, lambda ring: [(x - 900_000, y - 5_000_000) for x, y in ring])


HOSTILE: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "no attributes": (lambda entries: entries.pop("taxi_zones.dbf"), "one file of each of .shp, .dbf, .prj"),
    "two shape files": (lambda entries: entries.update({"a.shp": b""}), "one file of each of .shp, .dbf, .prj"),
    "an empty shape file": (lambda entries: entries.update({"taxi_zones.shp": b""}), "a whole shape file"),
    "noise for attributes": (lambda entries: entries.update({"taxi_zones.dbf": b"\xff" * 500}), "a whole shape file"),
    "noise for the system": (lambda entries: entries.update({"taxi_zones.prj": b"\xff\x00"}), "EPSG:2263"),
    "degrees": (lambda entries: entries.update({"taxi_zones.prj": NEW_YORK.encode()}), "EPSG:2263"),
    "points": (lambda entries: entries.update(_points()), "a polygon in each record"),
    "another place": (_elsewhere, "zones of New York"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name: str, published: bytes, read: Callable[[bytes], list[Zone]]) -> None:
    change, said = HOSTILE[name]
    with pytest.raises(UnreadableFileError, match=r"taxi_zones\.zip: expected ") as refused:
        read(changed(published, change))
    assert said in str(refused.value)
    assert len(str(refused.value)) < 600


def test_an_entry_that_climbs_out_of_the_folder_stays_in_it(published: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)

    def climb(entries: dict[str, bytes]) -> None:
        entries["../../evil.shp"] = entries.pop("taxi_zones.shp")

    (folder / "taxi_zones.zip").write_bytes(changed(published, climb))
    assert len(_rows(folder / "taxi_zones.zip")) == 263
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def _damages(published: bytes) -> Iterator[bytes]:
    """Files with some random bytes changed within their entries, which the zip's checksums do not tell."""
    chance = random.Random(17)
    for _ in range(40):
        entry = f"taxi_zones.{chance.choice(('shp', 'shp', 'dbf', 'prj'))}"
        # Headers are where lengths and counts are.
        furthest = chance.choice((120, 2_000, 10**9))

        def damage(entries: dict[str, bytes], entry: str = entry, furthest: int = furthest) -> None:
            content = bytearray(entries[entry])
            for _ in range(chance.randint(1, 6)):
                content[chance.randrange(min(len(content), furthest))] = chance.choice((0, 1, 127, 128, 255))
            entries[entry] = bytes(content)

        yield changed(published, damage)


def test_whatever_is_damaged_the_file_is_read_or_refused(published: bytes, read: Callable[[bytes], list[Zone]]) -> None:
    refused = []
    for content in _damages(published):
        # A value that is not of its type is refused by DuckDB where the rows are loaded.
        with contextlib.suppress(duckdb.Error):
            try:
                read(content)
            except UnreadableFileError as error:
                refused.append(str(error))
    assert len(refused) > 10
    assert max(map(len, refused)) < 600
