"""Real published files of other kinds than whole months; skipped without the folder REAL_DATA_DIR."""

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import raw_tables, resolve_sources
from ingestion.pipeline import Result, Status, ingest
from tests.partitions import partitions_of

SAMPLES = Path(os.environ.get("REAL_DATA_DIR", "")) / "samples"

pytestmark = pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a plain file server that stands in for TLC and Open-Meteo."""
    folder = tmp_path / "published"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("SOURCES__TLC__BASE_URL", address)
        monkeypatch.setenv("SOURCES__WEATHER__BASE_URL", f"{address}/weather.json")
        yield folder
        server.shutdown()


def _ingest(feed: str, month: date) -> Result:
    (result,) = ingest(partitions_of(resolve_sources(feed), [month]))
    return result


def test_yellow_with_ids_as_doubles_loads_with_the_registrys_types(database: Path, published: Path) -> None:
    shutil.copy(SAMPLES / "yellow_2025-02_sample_5000.parquet", published / "yellow_tripdata_2025-02.parquet")
    result = _ingest("yellow", date(2025, 2, 1))
    assert (result.status, result.rows, result.note) == (Status.LOADED, 5000, None)
    with duckdb.connect(str(database), read_only=True) as connection:
        types = {row[0]: row[1] for row in connection.execute("describe raw_data.yellow_taxi").fetchall()}
    assert types == {c.name: c.type.value for c in raw_tables()["yellow_taxi"]} | {"_dlt_load_id": "VARCHAR"}


@pytest.mark.parametrize(("feed", "sample"), [("fhv", "fhv"), ("hvfhv", "fhvhv")])
def test_for_hire_names_and_nulls_load(database: Path, published: Path, feed: str, sample: str) -> None:
    csv, parquet = SAMPLES / f"{sample}_2020-04_sample_1000.csv", published / f"{sample}_tripdata_2020-04.parquet"
    duckdb.sql(f"copy (from '{csv}') to '{parquet}' (format parquet)")
    result = _ingest(feed, date(2020, 4, 1))
    assert (result.status, result.rows) == (Status.LOADED, 1000), result.error
    assert database.exists()


def test_a_download_that_broke_off_fails_and_changes_nothing(database: Path, published: Path) -> None:
    file = published / "yellow_tripdata_2024-01.parquet"
    duckdb.sql(f"copy (from '{SAMPLES}/yellow_2025-02_sample_5000.parquet') to '{file}' (format parquet)")
    assert _ingest("yellow", date(2024, 1, 1)).rows == 5000
    before = file.stat().st_mtime
    shutil.copy(SAMPLES / "yellow_2024-01_truncated.parquet", file)
    # The server tells whole seconds, and the file may have been written again within one.
    os.utime(file, (before + 60, before + 60))
    result = _ingest("yellow", date(2024, 1, 1))
    assert result.status is Status.FAILED
    assert "yellow_tripdata_2024-01.parquet: expected a whole Parquet file" in str(result.error)
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select count(*) from raw_data.yellow_taxi").fetchall() == [(5000,)]


@pytest.mark.usefixtures("database")
def test_weather_in_other_units_is_refused(published: Path) -> None:
    shutil.copy(SAMPLES / "open_meteo_forecast_day.json", published / "weather.json")
    result = _ingest("weather", date(2024, 1, 1))
    assert result.status is Status.FAILED
    assert "weather 2024-01: expected the units" in str(result.error)
    assert "°F" in str(result.error)
