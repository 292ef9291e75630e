"""Files that are not what their publishers publish: nothing loaded before changes, and the message says what to do."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from ingestion.catalog import resolve_sources
from ingestion.pipeline import Result, Status, ingest
from ingestion.run_pipeline import main
from sandbox.broken_files import EXTRA_COLUMN
from sandbox.broken_zips import CLIMBING_NAME
from sandbox.faults import Fault
from sandbox.mobility.broken_weather import EXTRA_VARIABLE
from sandbox.server import SamplePublisher
from tests.forking import interpreter
from tests.partitions import partition_of, partitions_of
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE

MAY, JUNE, JULY = (date(2025, month, 1) for month in (5, 6, 7))
FEEDS = "green,citibike,weather"
RAW_TABLES = ("green_taxi", "citibike_trips", "weather_hourly")
FILES = {
    "green": "green_tripdata_2025-05.parquet",
    "citibike": "202505-citibike-tripdata.zip",
    "weather": "/v1/archive?",  # answers queries, and has no files
}
NEXT_STEP = re.compile(r"\b(load|ask|look|try|free|set|change|close)\b", re.IGNORECASE)


class Contents(NamedTuple):
    """What a test must not change: every row of raw data, and what the ledger says is loaded."""

    raw: dict[str, list[tuple[object, ...]]]
    watermarks: list[tuple[object, ...]]


def _query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _contents(database: Path) -> Contents:
    return Contents(
        {table: _query(database, f"select * from raw_data.{table} order by all") for table in RAW_TABLES},
        _query(database, "select * from meta.asset_watermarks order by all"),
    )


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, JUNE, rows=200, folder=tmp_path_factory.mktemp("published")) as server:
        yield server


@pytest.fixture(scope="module")
def loaded(publisher: SamplePublisher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which May and June of every feed are loaded."""
    path = tmp_path_factory.mktemp("loaded") / "warehouse.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**publisher.environment, DATABASE_VARIABLE: str(path)}.items():
            patch.setenv(name, value)
        results = ingest(partitions_of(resolve_sources(FEEDS), [MAY, JUNE]))
    assert {result.status for result in results} == {Status.LOADED}
    return path


@pytest.fixture(scope="module")
def before(loaded: Path) -> Contents:
    return _contents(loaded)


@pytest.fixture(autouse=True)
def log_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))


@pytest.fixture
def warehouse(
    database: Path, loaded: Path, publisher: SamplePublisher, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of the loaded database; what a test breaks is mended after it."""
    shutil.copy(loaded, database)
    for name, value in publisher.environment.items():
        monkeypatch.setenv(name, value)
    yield database
    for feed in FILES:
        publisher.mend(feed, MAY)


def _ingest_may(feed: str) -> Result:
    (result,) = ingest(partitions_of(resolve_sources(feed), [MAY]))
    return result


def _assert_nothing_left_behind(database: Path) -> None:
    staged = _query(
        database, "select table_name from duckdb_tables() where schema_name = 'raw_data_staging' order by all"
    )
    for (table,) in staged:
        assert _query(database, f'select count(*) from raw_data_staging."{table}"') == [(0,)], table
    assert list((database.parent / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("feed", "fault", "came"),
    [
        ("green", Fault.TRUNCATED, "cannot be opened|No magic bytes|broken off"),
        ("green", Fault.HTML, "DOCTYPE|HTML|html|No magic bytes"),
        ("green", Fault.WRONG_TYPES, "many"),
        ("green", Fault.MISSING_COLUMN, "payment_type.*payment_type_renamed"),
        ("green", Fault.FRACTIONS, r"'1\.5' in column payment_type is not a whole number"),
        ("green", Fault.NO_ROWS, "has none|no row|0 rows"),
        ("citibike", Fault.TRUNCATED, "not a zip"),
        ("citibike", Fault.HTML, "not a zip|DOCTYPE|HTML"),
        ("citibike", Fault.EMPTY_ZIP, "nothing"),
        ("citibike", Fault.ENCRYPTED_ZIP, "encrypted"),
        ("citibike", Fault.CORRUPT_ZIP, "decompress|CRC"),
        ("citibike", Fault.MAC_ENTRIES_ONLY, "__MACOSX/._"),
        ("citibike", Fault.ZIP_BOMB, r"3\.2 GB|3,221|3\.0 GiB|3 GiB"),
        ("citibike", Fault.WRONG_TYPES, "yesterday at noon"),
        ("citibike", Fault.MISSING_COLUMN, "started_at.*started_at_renamed"),
        ("citibike", Fault.NO_ROWS, "has none|no row|0 rows"),
        ("weather", Fault.TRUNCATED, r"\{|JSON"),
        ("weather", Fault.HTML, "DOCTYPE"),
        ("weather", Fault.ERROR_STATUS, "storage cannot be read"),
        ("weather", Fault.ERROR_BODY, "storage cannot be read"),
        ("weather", Fault.MISSING_HOURS, r"\b5\b"),
        ("weather", Fault.NULL_HOURS, r"\b5\b"),
        ("weather", Fault.WRONG_UNITS, "°F"),
        ("weather", Fault.WRONG_TYPES, "warm"),
        ("weather", Fault.MISSING_COLUMN, "temperature_2m.*temperature_2m_renamed"),
        ("weather", Fault.NO_ROWS, "no row|no hour|0 rows|0 hours|768"),
    ],
)
def test_a_bad_file_fails_says_why_and_changes_nothing(
    publisher: SamplePublisher, warehouse: Path, before: Contents, feed: str, fault: Fault, came: str
) -> None:
    publisher.break_(feed, MAY, fault)
    result = _ingest_may(feed)
    assert result.status is Status.FAILED
    error = result.error or ""
    assert FILES[feed] in error or f"{feed} 2025-05" in error
    assert "expected" in error
    assert re.search(came, error, re.DOTALL), error
    assert NEXT_STEP.search(error), error
    assert len(error) < 600, error
    assert _contents(warehouse) == before
    assert _query(
        warehouse,
        "select asset, partition_key, status, error, rows, load_id"
        " from meta.ingestion_run_assets where status = 'failed'",
    ) == [(feed, "2025-05", "failed", error, None, None)]
    assert _query(warehouse, "select status, error from meta.ingestion_runs order by started_at desc limit 1") == [
        ("failed", error)
    ]
    _assert_nothing_left_behind(warehouse)


@pytest.mark.parametrize(
    ("feed", "table", "column"),
    [
        ("green", "green_taxi", EXTRA_COLUMN),
        ("citibike", "citibike_trips", EXTRA_COLUMN),
        ("weather", "weather_hourly", EXTRA_VARIABLE),
    ],
)
def test_a_column_never_seen_before_is_kept(
    publisher: SamplePublisher, warehouse: Path, loaded: Path, feed: str, table: str, column: str
) -> None:
    publisher.break_(feed, MAY, Fault.EXTRA_COLUMN)
    result = _ingest_may(feed)
    assert (result.status, result.error) == (Status.LOADED, None)
    assert _query(
        warehouse,
        f"select count({column}), count({column}) filter (source_month = date '2025-05-01' and feed = '{feed}')"
        f" from raw_data.{table}",
    ) == [(result.rows, result.rows)]
    assert _query(warehouse, f"select * exclude (_dlt_load_id, {column}) from raw_data.{table} order by all") == _query(
        loaded, f"select * exclude (_dlt_load_id) from raw_data.{table} order by all"
    )
    _assert_nothing_left_behind(warehouse)


def test_amounts_that_are_no_numbers_are_missing_and_noted(publisher: SamplePublisher, warehouse: Path) -> None:
    publisher.break_("green", MAY, Fault.NOT_FINITE)
    result = _ingest_may("green")
    assert (result.status, result.note) == (
        Status.LOADED,
        "NaN and infinite values taken for missing: 2 of total_amount",
    )
    assert _query(warehouse, "select count(*) from raw_data.green_taxi where not isfinite(total_amount)") == [(0,)]


def test_a_zip_entry_that_climbs_out_is_read_where_it_belongs(publisher: SamplePublisher, warehouse: Path) -> None:
    publisher.break_("citibike", MAY, Fault.CLIMBING_PATH)
    # Where the path leads from each folder that the run works in. A file that was unpacked there would be gone again
    # when it is read, so there are files to lose.
    work = warehouse.parent / "work"
    work.mkdir(exist_ok=True)
    baits = [folder / Path(CLIMBING_NAME).name for folder in (work, warehouse.parent)]
    for bait in baits:
        bait.write_text("not of the zip")
    result = _ingest_may("citibike")
    assert result.status is Status.LOADED
    assert sorted(warehouse.parent.rglob("*.csv")) == sorted(baits)
    assert [bait.read_text() for bait in baits] == ["not of the zip"] * len(baits)
    for bait in baits:
        bait.unlink()
    _assert_nothing_left_behind(warehouse)


def test_one_bad_file_stops_no_other(publisher: SamplePublisher, warehouse: Path) -> None:
    publisher.break_("green", MAY, Fault.HTML)
    publisher.replace("citibike", MAY)
    results = ingest(partitions_of(resolve_sources(FEEDS), [MAY, JUNE, JULY]))
    assert {str(result.partition): result.status.value for result in results} == {
        "green 2025-05": "failed",
        "citibike 2025-05": "loaded",
        "weather 2025-05": "unchanged",
        "green 2025-06": "unchanged",
        "citibike 2025-06": "unchanged",
        "weather 2025-06": "unchanged",
        "green 2025-07": "not_published",
        "citibike 2025-07": "not_published",
        "weather 2025-07": "not_published",
    }
    _assert_nothing_left_behind(warehouse)


def test_a_mended_file_loads_after_a_bad_one(publisher: SamplePublisher, warehouse: Path, before: Contents) -> None:
    publisher.break_("weather", MAY, Fault.MISSING_HOURS)
    assert _ingest_may("weather").status is Status.FAILED
    publisher.mend("weather", MAY)
    assert _ingest_may("weather").status is Status.UNCHANGED
    assert _contents(warehouse) == before


@pytest.mark.parametrize(
    ("feed", "fault", "times"),
    [("green", Fault.BREAKS_OFF, 1), ("citibike", Fault.BREAKS_OFF, 1), ("green", Fault.TOO_MANY_REQUESTS, 1)],
)
def test_what_passes_by_itself_fails_nothing(
    publisher: SamplePublisher, warehouse: Path, feed: str, fault: Fault, times: int
) -> None:
    publisher.replace(feed, MAY)
    publisher.break_(feed, MAY, fault, times=times)
    result = _ingest_may(feed)
    assert (result.status, result.error) == (Status.LOADED, None)
    _assert_nothing_left_behind(warehouse)


@pytest.mark.parametrize(("fault", "status"), [(Fault.NO_ROWS, 1), (Fault.EXTRA_COLUMN, 0)])
@pytest.mark.usefixtures("warehouse")
def test_the_command_line_ends_with_the_status_and_the_reason(
    publisher: SamplePublisher, fault: Fault, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    publisher.break_("green", MAY, fault)
    assert main(["--year", "2025", "--months", "5", "--sources", "green"]) == status
    output = "".join(capfd.readouterr())
    assert bool(re.search("green 2025-05 failed: green.*: expected", output)) == (status == 1)
    assert "Traceback" not in output


def _run_pipeline(before_it: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own, in which something is done before it starts."""
    code = (
        f"import os, resource, sys; from ingestion.run_pipeline import main; {before_it}; sys.exit(main(sys.argv[1:]))"
    )
    return interpreter().run(["-c", code, "--year", "2025", *arguments], os.environ | environment)


def _limit_file_size(size: int) -> str:
    """What a full disk is to whoever writes: from so many bytes on, no file grows any more."""
    return f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


def test_a_disk_that_is_full_for_the_download_is_named(
    publisher: SamplePublisher, warehouse: Path, before: Contents
) -> None:
    publisher.break_("weather", MAY, Fault.EXTRA_COLUMN)
    run = _run_pipeline(_limit_file_size(20_000), "--months", "5", "--sources", "weather")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr + run.stdout
    assert re.search("too large|space|disk", run.stdout + run.stderr)
    assert _contents(warehouse) == before
    _assert_nothing_left_behind(warehouse)


def test_a_disk_that_is_full_for_the_database_changes_nothing(
    warehouse: Path, before: Contents, tmp_path: Path
) -> None:
    with SamplePublisher(MAY, MAY, rows=20_000, folder=tmp_path / "published") as publisher:
        file = publisher.store.find((partition_of(resolve_sources("yellow")[0], MAY),))
        # enough for the file, not for its rows
        limit = _limit_file_size(file.size + 100_000)
        run = _run_pipeline(limit, "--months", "5", "--sources", "yellow", **publisher.environment)
        assert run.returncode == 1
        assert "Traceback" not in run.stderr + run.stdout
        assert re.search("too large|space|disk", run.stdout + run.stderr)
        assert _contents(warehouse).raw == before.raw
        _assert_nothing_left_behind(warehouse)
        assert _query(warehouse, "select count(*) from raw_data.yellow_taxi") == [(0,)]
        again = _run_pipeline("pass", "--months", "5", "--sources", "yellow", **publisher.environment)
        assert again.returncode == 0


def test_a_database_that_cannot_be_written_is_named(warehouse: Path) -> None:
    # Not below the test's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as folder:
        path, logs = Path(folder) / "data" / "warehouse.duckdb", Path(folder) / "logs"
        path.parent.mkdir()
        logs.mkdir()
        shutil.copy(warehouse, path)
        for place, mode in ((path, 0o444), (path.parent, 0o555), (logs, 0o777), (Path(folder), 0o755)):
            place.chmod(mode)
        # Permissions do not hold for root.
        drop = "os.setuid(65534)" if os.geteuid() == 0 else "pass"
        places = {DATABASE_VARIABLE: str(path), LOG_FOLDER_VARIABLE: str(logs)}
        run = _run_pipeline(drop, "--months", "5", "--sources", "green", **places)
        path.parent.chmod(0o755)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr + run.stdout
    assert str(path) in run.stderr
    assert re.search("[Rr]ead.only|[Pp]ermission denied", run.stderr)
    assert NEXT_STEP.search(run.stderr), run.stderr


@pytest.mark.parametrize("place", ["a folder", "below a file", "no database"])
def test_a_path_that_is_no_database_is_named(place: str, tmp_path: Path, publisher: SamplePublisher) -> None:
    file = tmp_path / "file.duckdb"
    file.write_text("no database" * 1000)
    path = {"a folder": tmp_path, "below a file": file / "warehouse.duckdb", "no database": file}[place]
    arguments = ("--months", "5", "--sources", "green")
    run = _run_pipeline("pass", *arguments, **publisher.environment, **{DATABASE_VARIABLE: str(path)})
    assert run.returncode == 1
    assert "Traceback" not in run.stderr + run.stdout
    assert str(path) in run.stderr
    assert NEXT_STEP.search(run.stderr), run.stderr
