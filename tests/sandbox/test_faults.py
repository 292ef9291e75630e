"""What the sample publisher serves where something is wrong."""

import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests

from sandbox.__main__ import main
from sandbox.breakages import Breakage, faults_of, parse_breakage
from sandbox.broken_files import EXTRA_COLUMN
from sandbox.broken_zips import BOMB_BYTES, CLIMBING_NAME
from sandbox.faults import Fault
from sandbox.files import partition_of
from sandbox.mobility.broken_weather import EXTRA_VARIABLE, HOURS_LOST
from sandbox.server import SamplePublisher

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
GREEN = "/trip-data/green_tripdata_2025-01.parquet"
BIKES = "/tripdata/202501-citibike-tripdata.zip"
WEATHER = (
    "/v1/archive?latitude=40.8&longitude=-74&start_date=2025-01-01&end_date=2025-02-01"
    "&hourly=temperature_2m,rain&timezone=GMT"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture
def publisher(folder: Path) -> Iterator[SamplePublisher]:
    with SamplePublisher(JANUARY, FEBRUARY, rows=200, folder=folder) as server:
        yield server


def _get(publisher: SamplePublisher, target: str, **headers: str) -> requests.Response:
    return requests.get(publisher.url + target, headers=headers, timeout=10)


def _zip(answer: requests.Response) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(answer.content))


def _csvs(answer: requests.Response) -> list[bytes]:
    with _zip(answer) as archive:
        return [archive.read(name) for name in archive.namelist() if "__MACOSX" not in name]


def _weather(publisher: SamplePublisher) -> Any:
    return _get(publisher, WEATHER).json()


def test_a_broken_month_is_another_file_until_it_is_mended(publisher: SamplePublisher) -> None:
    whole = _get(publisher, GREEN)
    publisher.break_("green", JANUARY, Fault.TRUNCATED)
    broken = _get(publisher, GREEN, **{"If-None-Match": whole.headers["ETag"]})
    assert broken.status_code == 200
    assert broken.content == whole.content[: len(whole.content) // 2]
    assert broken.headers["Content-Length"] == str(len(broken.content))
    assert broken.headers["ETag"] != whole.headers["ETag"]
    assert broken.headers["Last-Modified"] != whole.headers["Last-Modified"]
    other = _get(publisher, GREEN.replace("2025-01", "2025-02"))
    assert other.content.endswith(b"PAR1")
    publisher.mend("green", JANUARY)
    assert _get(publisher, GREEN).content == whole.content


@pytest.mark.parametrize("feed", ["green", "citibike", "weather"])
def test_a_page_may_come_instead_of_the_file(publisher: SamplePublisher, feed: str) -> None:
    publisher.break_(feed, JANUARY, Fault.HTML)
    answer = _get(publisher, {"green": GREEN, "citibike": BIKES, "weather": WEATHER}[feed])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_parquet_files_break_in_their_columns_and_rows(publisher: SamplePublisher) -> None:
    def table(fault: Fault | None) -> Any:
        if fault:
            publisher.break_("green", JANUARY, fault)
        return pq.read_table(io.BytesIO(_get(publisher, GREEN).content))

    whole = table(None)
    wrong, missing, extra, empty = map(
        table, (Fault.WRONG_TYPES, Fault.MISSING_COLUMN, Fault.EXTRA_COLUMN, Fault.NO_ROWS)
    )
    assert str(wrong.schema.field("payment_type").type) == "string"
    assert wrong.column("payment_type").to_pylist().count("many") == 1
    assert set(whole.column_names) - set(missing.column_names) == {"payment_type"}
    assert extra.column_names == [*whole.column_names, EXTRA_COLUMN]
    assert (empty.num_rows, empty.schema.names) == (0, whole.column_names)


def test_zips_break_in_their_entries(publisher: SamplePublisher) -> None:
    def archive(fault: Fault) -> zipfile.ZipFile:
        publisher.break_("citibike", JANUARY, fault)
        return _zip(_get(publisher, BIKES))

    assert archive(Fault.EMPTY_ZIP).namelist() == []
    mac_only = archive(Fault.MAC_ENTRIES_ONLY)
    assert mac_only.namelist()
    assert all(name.startswith("__MACOSX/._") for name in mac_only.namelist())
    assert CLIMBING_NAME in archive(Fault.CLIMBING_PATH).namelist()
    (bomb,) = archive(Fault.ZIP_BOMB).infolist()
    assert bomb.filename.endswith(".csv")
    assert bomb.file_size == BOMB_BYTES > 2 << 30
    assert bomb.compress_size < 4 << 20


def test_a_zip_bomb_unpacks_to_the_size_it_says(publisher: SamplePublisher) -> None:
    publisher.break_("citibike", JANUARY, Fault.ZIP_BOMB)
    with _zip(_get(publisher, BIKES)) as archive, archive.open(archive.namelist()[0]) as member:
        assert member.read(1 << 24) == bytes(1 << 24)


def test_csvs_break_in_their_columns_and_rows(publisher: SamplePublisher) -> None:
    whole = _csvs(_get(publisher, BIKES))
    publisher.break_("citibike", JANUARY, Fault.WRONG_TYPES)
    assert all(csv.count(b"yesterday at noon,20") == 1 for csv in _csvs(_get(publisher, BIKES)))
    publisher.break_("citibike", JANUARY, Fault.MISSING_COLUMN)
    assert all(b'"started_at_renamed"' in csv.splitlines()[0] for csv in _csvs(_get(publisher, BIKES)))
    publisher.break_("citibike", JANUARY, Fault.EXTRA_COLUMN)
    extra = _csvs(_get(publisher, BIKES))
    assert all(csv.splitlines()[0].endswith(b',"never_seen_before"') for csv in extra)
    assert [csv.count(b"\r\n") for csv in extra] == [csv.count(b"\r\n") for csv in whole]
    publisher.break_("citibike", JANUARY, Fault.NO_ROWS)
    assert [csv.count(b"\r\n") for csv in _csvs(_get(publisher, BIKES))] == [1, 1]


def test_the_weather_breaks_in_its_hours_variables_and_units(publisher: SamplePublisher) -> None:
    hours = 32 * 24
    whole = _weather(publisher)

    def broken(fault: Fault) -> Any:
        publisher.break_("weather", JANUARY, fault)
        return _weather(publisher)

    missing = broken(Fault.MISSING_HOURS)["hourly"]
    assert {len(values) for values in missing.values()} == {hours - HOURS_LOST}
    nulls = broken(Fault.NULL_HOURS)["hourly"]
    assert nulls["time"] == whole["hourly"]["time"]
    assert nulls["rain"].count(None) == nulls["temperature_2m"].count(None) == HOURS_LOST
    assert broken(Fault.WRONG_UNITS)["hourly_units"]["temperature_2m"] == "°F"
    assert "warm" in broken(Fault.WRONG_TYPES)["hourly"]["temperature_2m"]
    assert "temperature_2m" not in broken(Fault.MISSING_COLUMN)["hourly"]
    assert len(broken(Fault.EXTRA_COLUMN)["hourly"][EXTRA_VARIABLE]) == hours
    assert set(map(len, broken(Fault.NO_ROWS)["hourly"].values())) == {0}
    publisher.break_("weather", JANUARY, Fault.TRUNCATED)
    with pytest.raises(json.JSONDecodeError):
        json.loads(_get(publisher, WEATHER).content)


@pytest.mark.parametrize(("fault", "status"), [(Fault.ERROR_STATUS, 400), (Fault.ERROR_BODY, 200)])
def test_the_weather_archive_says_that_it_failed(publisher: SamplePublisher, fault: Fault, status: int) -> None:
    publisher.break_("weather", JANUARY, fault)
    answer = _get(publisher, WEATHER)
    assert answer.status_code == status
    assert answer.json()["error"] is True
    assert answer.json()["reason"]


@pytest.mark.parametrize("target", [GREEN, BIKES, WEATHER])
def test_a_busy_server_answers_after_so_many_requests(publisher: SamplePublisher, target: str) -> None:
    feed = {GREEN: "green", BIKES: "citibike", WEATHER: "weather"}[target]
    publisher.break_(feed, JANUARY, Fault.TOO_MANY_REQUESTS, times=2)
    answers = [_get(publisher, target) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "1"
    publisher.break_(feed, JANUARY, Fault.UNAVAILABLE)
    assert [_get(publisher, target).status_code for _ in range(3)] == [503] * 3


def test_a_connection_that_broke_off_once_can_be_taken_up_where_it_ended(publisher: SamplePublisher) -> None:
    whole = _get(publisher, GREEN)
    publisher.break_("green", JANUARY, Fault.BREAKS_OFF, times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        _get(publisher, GREEN)
    middle = len(whole.content) // 2
    assert publisher.requests[-1].bytes_sent == middle
    rest = _get(publisher, GREEN, Range=f"bytes={middle}-")
    assert rest.status_code == 206
    assert whole.content[:middle] + rest.content == whole.content


@pytest.mark.parametrize("target", [GREEN, WEATHER])
def test_a_connection_that_always_breaks_off_never_gets_past_the_middle(
    publisher: SamplePublisher, target: str
) -> None:
    whole = _get(publisher, target)
    publisher.break_("green" if target == GREEN else "weather", JANUARY, Fault.BREAKS_OFF)
    for first in (0, 10, len(whole.content) // 2, len(whole.content) - 10):
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
            _get(publisher, target, Range=f"bytes={first}-")
    sent = [entry.bytes_sent for entry in publisher.requests[1:]]
    middle = len(whole.content) // 2
    assert sent == ([middle, middle - 10, 0, 0] if target == GREEN else [middle] * 4)


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.STALLS])
def test_a_server_that_hangs_answers_no_further_until_it_is_closed(tmp_path: Path, fault: Fault) -> None:
    with SamplePublisher(JANUARY, JANUARY, rows=200, folder=tmp_path) as publisher:
        publisher.break_("green", JANUARY, fault)
        with pytest.raises(requests.exceptions.RequestException, match="timed out"):
            requests.get(publisher.url + GREEN, timeout=(5, 0.3))
        publisher.mend("green", JANUARY)
        assert _get(publisher, GREEN).status_code == 200


@pytest.mark.parametrize("feed", ["yellow", "green", "fhv", "hvfhv", "citibike", "citibike_jc", "weather"])
def test_every_feed_can_be_broken_in_every_way_that_it_has(publisher: SamplePublisher, feed: str) -> None:
    target = WEATHER if feed == "weather" else None
    for fault in set(faults_of(feed)) - {Fault.HANGS, Fault.STALLS, Fault.BREAKS_OFF}:
        publisher.break_(feed, JANUARY, fault)
        answer = _get(publisher, target or _target(feed))
        assert (fault, answer.status_code < 500 or fault is Fault.UNAVAILABLE) == (fault, True)


def _target(feed: str) -> str:
    return {
        "citibike": BIKES,
        "citibike_jc": "/tripdata/JC-202501-citibike-tripdata.csv.zip",
        "hvfhv": "/trip-data/fhvhv_tripdata_2025-01.parquet",
    }.get(feed, f"/trip-data/{feed}_tripdata_2025-01.parquet")


def test_what_a_feed_cannot_have_is_refused(publisher: SamplePublisher) -> None:
    for feed, fault in (("green", Fault.EMPTY_ZIP), ("citibike", Fault.NULL_HOURS), ("weather", Fault.ZIP_BOMB)):
        with pytest.raises(ValueError, match=f"{feed} cannot be broken by {fault}: expected one of"):
            publisher.break_(feed, JANUARY, fault)
    with pytest.raises(ValueError, match="times"):
        publisher.break_("green", JANUARY, Fault.HTML, times=0)


def test_breakages_can_be_written_as_words() -> None:
    for text, times in (("green:2025-01:breaks-off", None), ("green:2025-01:breaks-off:3", 3)):
        assert parse_breakage(text) == Breakage(partition_of("green", JANUARY), Fault.BREAKS_OFF, times)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("green", "expected FEED:PERIOD:FAULT"),
        ("greene:2025-01:html", "unknown feed 'greene'"),
        ("green:2025-1:html", "expected a month as YYYY-MM"),
        ("green:2025-01-03:html", "expected a month as YYYY-MM, such as 2025-01, but got '2025-01-03'"),
        ("green:2025-01:htm", "unknown fault 'htm': expected one of truncated, html"),
        ("green:2025-01:empty-zip", "green cannot be broken by empty-zip"),
        ("green:2025-01:html:often", "expected a number of times, got 'often'"),
    ],
)
def test_words_that_break_nothing_end_with_status_2(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    months = itertools.chain(["--from", "2025-01"], ["--to", "2025-01"])
    with pytest.raises(SystemExit) as ended:
        main(["serve", *months, "--fault", text])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
