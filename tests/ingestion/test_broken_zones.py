"""A broken file of the taxi zones: the load says what is wrong, what was loaded stays, a mended file replaces it."""

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.pipeline import Result, Status, load_file
from ingestion.publishers import Downloaded
from sandbox.files import write_file
from tests.ingestion.zone_files import changed, with_zone_number
from tests.partitions import partition_of
from warehouse.ledger import Fingerprint

pytestmark = pytest.mark.usefixtures("made_tables")

DAY = date(2025, 1, 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The sample file."""
    return write_file("taxi_zones", DAY, tmp_path_factory.mktemp("zones"), rows=1).read_bytes()


@pytest.fixture
def load(database: Path, tmp_path: Path) -> Callable[[bytes], Result]:
    """Load a file's content, as the pipeline does once it is downloaded."""
    count = 0

    def load(content: bytes) -> Result:
        nonlocal count
        count += 1
        path = tmp_path / str(count) / "taxi_zones.zip"
        path.parent.mkdir()
        path.write_bytes(content)
        file = Downloaded(path, Fingerprint("http://localhost/taxi_zones.zip"), len(content))
        return load_file(partition_of(FEEDS["taxi_zones"], DAY), file)

    return load


def _held(database: Path) -> list[Any]:
    """What must not change: every row, and what the ledger says is loaded."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return [
            connection.execute(f"from {table} order by all").fetchall()
            for table in ("raw_data.taxi_zone_shapes", "meta.asset_watermarks")
        ]


def _without_prj(entries: dict[str, bytes]) -> None:
    del entries["taxi_zones.prj"]


def _bomb(entries: dict[str, bytes]) -> None:
    entries["taxi_zones.shp"] = bytes(60_000_000)


BROKEN: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "no reference system": (_without_prj, "one file of each of .shp, .dbf, .prj, but it holds taxi_zones.shp"),
    "a bomb": (_bomb, "at most 50,000,000 bytes when unpacked"),
    "a text": (with_zone_number(7, "C", "somewhere"), "'somewhere'"),
    "no number": (with_zone_number(7, "N", None), "a number from 1 for each zone, but record 7 has none"),
    "zero": (with_zone_number(7, "N", 0), "a number from 1 for each zone, but record 7 has 0"),
    "a negative number": (with_zone_number(7, "N", -3), "a number from 1 for each zone, but record 7 has -3"),
    "a fraction": (with_zone_number(7, "F", 1.5), "1.5"),
    "a number too large": (with_zone_number(7, "N", 10**15), "1000000000000000"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_leaves_what_is_loaded_and_says_why(
    name: str, whole: bytes, load: Callable[[bytes], Result], database: Path
) -> None:
    assert load(whole).status is Status.LOADED
    before = _held(database)
    change, said = BROKEN[name]

    with pytest.raises(UnreadableFileError, match=r"^taxi_zones\.zip: expected ") as refused:
        load(changed(whole, change))

    assert said in str(refused.value)
    assert len(str(refused.value)) < 600
    assert _held(database) == before
    # The next good file replaces all of it.
    assert load(changed(whole, with_zone_number(7, "N", 70))).status is Status.LOADED
    with duckdb.connect(str(database), read_only=True) as connection:
        ids = dict(connection.execute("select source_row, location_id from raw_data.taxi_zone_shapes").fetchall())
    assert (len(ids), ids[6], ids[7]) == (263, 70, 8)


def test_a_bomb_is_not_unpacked(whole: bytes, load: Callable[[bytes], Result], tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        load(changed(whole, _bomb))

    assert list(tmp_path.rglob("*.shp")) == []
    with zipfile.ZipFile(tmp_path / "1" / "taxi_zones.zip") as archive:
        assert sum(entry.compress_size for entry in archive.infolist()) < 1_000_000
