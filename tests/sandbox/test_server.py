"""The sample publisher over HTTP, and its command line."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest
import requests

from ingestion.partitions import Partition
from sandbox.__main__ import main
from sandbox.files import write_file, write_published
from sandbox.server import LogEntry, SamplePublisher

JANUARY, FEBRUARY, MARCH = (date(2025, month, 1) for month in (1, 2, 3))
YELLOW = "/trip-data/yellow_tripdata_2025-01.parquet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture
def publisher(folder: Path) -> Iterator[SamplePublisher]:
    with SamplePublisher(JANUARY, FEBRUARY, rows=300, folder=folder) as server:
        yield server


def test_a_published_file_is_served_with_what_an_object_store_says_of_it(
    publisher: SamplePublisher, tmp_path: Path
) -> None:
    expected = write_file("yellow", JANUARY, tmp_path, rows=300).read_bytes()
    answer = requests.get(publisher.url + YELLOW, timeout=10)
    assert answer.status_code == 200
    assert answer.content == expected
    assert answer.headers["Content-Length"] == str(len(expected))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Last-Modified"].endswith("2025 12:00:00 GMT")
    head = requests.head(publisher.url + YELLOW, timeout=10)
    assert head.content == b""
    assert {name: value for name, value in head.headers.items() if name != "Date"} == {
        name: value for name, value in answer.headers.items() if name != "Date"
    }
    assert publisher.requests == [LogEntry("GET", YELLOW, 200, len(expected)), LogEntry("HEAD", YELLOW, 200, 0)]


def test_the_environment_names_the_publishers_addresses(publisher: SamplePublisher) -> None:
    expected = {
        "SOURCES__TLC__BASE_URL": f"{publisher.url}/trip-data",
        "SOURCES__CITIBIKE__BASE_URL": f"{publisher.url}/tripdata",
        "SOURCES__WEATHER__BASE_URL": f"{publisher.url}/v1/archive",
        "SOURCES__FLAT_FILES__ENDPOINT_URL": publisher.url,
        "MASSIVE_ACCESS_KEY": "sandbox-key-id",
        "MASSIVE_SECRET_KEY": "sandbox-secret-key",
    }
    assert {name: publisher.environment[name] for name in expected} == expected


@pytest.mark.parametrize(
    "path",
    [
        "/trip-data/yellow_tripdata_2024-12.parquet",
        "/trip-data/yellow_tripdata_2025-03.parquet",
        "/trip-data/taxi_zone_lookup.csv",
        "/trip-data/../server.py",
        "/tripdata/202501-citibike-tripdata.csv.zip",
        "/tripdata/yellow_tripdata_2025-01.parquet",
        "/",
    ],
)
def test_what_is_not_published_is_denied(publisher: SamplePublisher, path: str) -> None:
    answer = requests.get(publisher.url + path, timeout=10)
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text


def test_a_file_the_client_has_is_not_sent_again(publisher: SamplePublisher) -> None:
    first = requests.get(publisher.url + YELLOW, timeout=10)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    old = "Wed, 01 Jan 2020 00:00:00 GMT"
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'"other", W/{etag}'}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": modified}, 200),
        ({"If-Modified-Since": modified}, 304),
        ({"If-Modified-Since": old}, 200),
        ({"If-Modified-Since": "nonsense"}, 200),
    ):
        answer = requests.get(publisher.url + YELLOW, headers=headers, timeout=10)
        assert (headers, answer.status_code) == (headers, status)
        assert answer.headers["ETag"] == etag
        assert (answer.content == b"") == (status == 304)


def test_ranges_are_answered(publisher: SamplePublisher) -> None:
    whole = requests.get(publisher.url + YELLOW, timeout=10)
    size, etag = len(whole.content), whole.headers["ETag"]
    for asked, expected in (
        ("bytes=0-3", b"PAR1"),
        ("bytes=-4", b"PAR1"),
        (f"bytes={size - 4}-", b"PAR1"),
        (f"bytes={size - 4}-{size + 100}", b"PAR1"),
        (f"bytes=-{size + 100}", whole.content),
    ):
        answer = requests.get(publisher.url + YELLOW, headers={"Range": asked}, timeout=10)
        assert answer.status_code == 206
        assert answer.content == expected
        assert answer.headers["Content-Range"].endswith(f"/{size}")
    for asked in (f"bytes={size}-", "bytes=-0"):
        answer = requests.get(publisher.url + YELLOW, headers={"Range": asked}, timeout=10)
        assert (answer.status_code, answer.content) == (416, b"")
        assert answer.headers["Content-Range"] == f"bytes */{size}"
    for condition, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-3", "If-Range": condition}
        assert requests.get(publisher.url + YELLOW, headers=headers, timeout=10).status_code == status


def test_a_replaced_file_is_another_file(publisher: SamplePublisher) -> None:
    green = f"{publisher.url}/trip-data/green_tripdata_2025-01.parquet"
    before = requests.get(green, timeout=10)
    publisher.replace("green", JANUARY)
    after = requests.get(green, headers={"If-None-Match": before.headers["ETag"]}, timeout=10)
    assert after.status_code == 200
    assert after.content != before.content
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.headers["Last-Modified"] != before.headers["Last-Modified"]
    with pytest.raises(ValueError, match="weather"):
        publisher.replace("weather", JANUARY)


def test_publishing_a_month_makes_its_files_and_weather_available(publisher: SamplePublisher) -> None:
    green = f"{publisher.url}/trip-data/green_tripdata_2025-03.parquet"
    day = "latitude=40.8&longitude=-74&start_date=2025-04-01&end_date=2025-04-01&hourly=rain"
    weather = f"{publisher.url}/v1/archive?{day}"
    assert requests.get(green, timeout=10).status_code == 403
    assert requests.get(weather, timeout=10).status_code == 400
    publisher.publish(MARCH)
    assert requests.get(green, timeout=10).status_code == 200
    answer = requests.get(weather, timeout=10)
    assert answer.status_code == 200
    assert len(answer.json()["hourly"]["rain"]) == 24
    assert "ETag" not in answer.headers


def test_requests_at_once_for_one_file_make_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(partitions: Sequence[Partition], folder: Path, *, rows: int, revision: int) -> Path:
        made.extend(partition.feed.name for partition in partitions)
        return write_published(partitions, folder, rows=rows, revision=revision)

    monkeypatch.setattr("sandbox.store.write_published", counted)
    with SamplePublisher(JANUARY, JANUARY, rows=300, folder=tmp_path) as publisher:
        sizes = []
        threads = [
            threading.Thread(target=lambda: sizes.append(len(requests.get(publisher.url + YELLOW, timeout=10).content)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert made == ["yellow"]
    assert len(sizes) == 6
    assert len(set(sizes)) == 1


def test_one_connection_serves_several_requests(publisher: SamplePublisher) -> None:
    connection = http.client.HTTPConnection(publisher.url.removeprefix("http://"), timeout=10)
    for method, path, status in (("HEAD", YELLOW, 200), ("GET", "/nothing", 403), ("GET", YELLOW, 200)):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert not answer.will_close
    connection.close()


def test_a_client_that_leaves_early_does_no_harm(publisher: SamplePublisher, capfd: pytest.CaptureFixture[str]) -> None:
    host, port = publisher.url.removeprefix("http://").split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"GET {YELLOW} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert requests.get(publisher.url + YELLOW, timeout=10).status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_temporary_folder_is_removed_at_the_end() -> None:
    with SamplePublisher(JANUARY, JANUARY, rows=100) as publisher:
        requests.get(publisher.url + YELLOW, timeout=10)
        folder = publisher.store.folder
        assert folder.exists()
    assert not folder.exists()


def test_months_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        SamplePublisher(FEBRUARY, JANUARY, rows=100)


def test_write_lays_files_out_as_the_publishers_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "write --feeds green,citibike --from 2025-01 --to 2025-02 --rows 100 --folder".split()  # noqa: SIM905
    assert main([*arguments, str(tmp_path)]) == 0
    written = [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.*"))]
    assert written == [
        "trip-data/green_tripdata_2025-01.parquet",
        "trip-data/green_tripdata_2025-02.parquet",
        "tripdata/202501-citibike-tripdata.zip",
        "tripdata/202502-citibike-tripdata.zip",
    ]
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["serve", "--from", "2025-1", "--to", "2025-02"],
            "expected a period as one of YYYY-MM (month), YYYY-MM-DD (day)",
        ),
        (["serve", "--from", "2025-02", "--to", "2025-01"], "--to 2025-01 is before --from 2025-02"),
        (["serve", "--from", "2025-01", "--to", "2025-01", "--port", "99999"], "expected a port"),
        (["serve", "--from", "2025-01", "--to", "2025-01", "--rows", "none"], "expected a number of rows"),
        (["write", "--from", "2025-01", "--to", "2025-01", "--folder", "x", "--feeds", "uber"], "unknown feed 'uber'"),
        (["run", "--from", "2025-01", "--to", "2025-01"], "command"),
    ],
)
def test_arguments_that_make_no_sense_end_with_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def _started(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sandbox", *arguments]
    months = ["--from", "2025-01", "--to", "2025-01", "--port", "0"]
    return subprocess.Popen(
        [*command[:4], *months, *command[4:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_what_to_export_and_ends_cleanly(number: signal.Signals, publisher: SamplePublisher) -> None:
    with _started("serve") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(1 + len(publisher.environment))]
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert [line.split("=")[0] for line in lines[1:]] == [f"export {name}" for name in publisher.environment]


def test_run_gives_the_command_the_addresses_and_passes_its_status_on() -> None:
    code = "import os, sys; print(os.environ['SOURCES__TLC__BASE_URL']); sys.exit(3)"
    with _started("run", "--", sys.executable, "-c", code) as process:
        output, _ = process.communicate(timeout=10)
    assert output.startswith("http://127.0.0.1:")
    assert process.returncode == 3
    assert "SOURCES__TLC__BASE_URL" not in os.environ
