"""What is tried again after a failed download, how soon and how often, and what is not."""

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from ingestion.errors import DownloadError, NotPublishedError
from ingestion.mobility import weather
from tests.ingestion.scripted_publisher import (
    FILE,
    HURRIED,
    IMPATIENT,
    NAME,
    QUICK,
    Handler,
    Step,
    break_off,
    failure,
    fetch,
    fetch_file,
    hang,
    publishing,
    status,
    whole,
)

pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.mark.parametrize("step", [break_off, hang, status(500), status(502), status(504), status(408), status(429)])
def test_what_is_transient_is_tried_again(tmp_path: Path, step: Step) -> None:
    with publishing(step, step, whole()) as server:
        assert fetch_file(server, tmp_path, IMPATIENT if step is hang else QUICK).path.read_bytes() == FILE
        assert len(server.seen) == 3


def test_a_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    with publishing(hang) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path, HURRIED)
    assert "nothing came within 0.3 seconds (tried 5 times). Load the month again later." in message


def test_a_server_that_stalls_is_given_up_with_what_came(tmp_path: Path) -> None:
    with publishing(whole(marks={}, sent=500_000, stalls=True)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path, replace(IMPATIENT, attempts=1))
    assert "nothing more came within 1.2 seconds after " in message
    assert "of 1,000,000 bytes (tried 1 time)" in message


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_waited_for(tmp_path: Path, code: int, as_date: bool) -> None:
    begun = time.monotonic()
    asked = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_date else "1"
    with publishing(status(code, Retry_After=asked), whole()) as server:
        fetch_file(server, tmp_path)
    # a date has whole seconds: two from now is at least one
    assert time.monotonic() - begun > 0.9


@pytest.mark.parametrize("asked", ["3600", "Wed, 01 Jan 2200 00:00:00 GMT", "9" * 400])
def test_who_asks_for_a_long_pause_is_left_alone(tmp_path: Path, asked: str) -> None:
    with publishing(status(429, Retry_After=asked)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 1
    assert "the publisher answered 429 Too Many Requests and asks to be left alone for " in message


@pytest.mark.parametrize(
    "said",
    [
        b'{"error": true, "reason": "Hourly API request limit exceeded. Please try again in the next hour."}',
        b'{"error": true, "reason": "Daily API request limit exceeded. Please try again tomorrow."}',
    ],
)
def test_a_limit_of_the_archive_that_lasts_is_told_at_once(tmp_path: Path, said: bytes) -> None:
    with publishing(status(429, said)) as server:
        with pytest.raises(DownloadError, match=r"API request limit exceeded.* asks to be left alone for") as raised:
            fetch(f"{server.url}/{NAME}", folder=tmp_path, rules=weather.OPEN_METEO)
        assert len(server.seen) == 1
    assert raised.value.is_transient


class _Hurried(weather.OpenMeteo):
    """An archive whose minute has 0.6 seconds."""

    def pause_seconds(self, text: str) -> float:
        return super().pause_seconds(text) / 100


def test_a_limit_of_the_archive_that_passes_is_waited_for(tmp_path: Path) -> None:
    minutely = b'{"error": true, "reason": "Minutely API request limit exceeded. Please try again in one minute."}'
    begun = time.monotonic()
    with publishing(status(429, minutely), whole()) as server:
        assert fetch(f"{server.url}/{NAME}", folder=tmp_path, rules=_Hurried())
    assert time.monotonic() - begun > 0.6


@pytest.mark.parametrize(
    "asked",
    [
        "soon",
        "-5",
        "inf",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2200 00:00:00 -9999999999999999999",
        "Fri, 31 Dec 1999 23:59:59 GMT",
    ],
)
def test_a_retry_after_that_means_nothing_is_ignored(tmp_path: Path, asked: str) -> None:
    with publishing(status(503, Retry_After=asked), whole()) as server:
        fetch_file(server, tmp_path)


def test_a_publisher_that_stays_unavailable_is_given_up(tmp_path: Path) -> None:
    with publishing(status(503, b"<html>an error page</html>")) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 5
    assert message.endswith(
        ": expected the file, but the publisher answered 503 Service Unavailable (tried 5 times). "
        "Load the month again later."
    )


def test_a_refusal_with_a_reason_is_told_and_not_tried_again(tmp_path: Path) -> None:
    with publishing(status(400, b'{"error": true, "reason": "Cannot resolve variable rain"}')) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 1
    assert "but the publisher answered 400 Bad Request (Cannot resolve variable rain)" in message


@pytest.mark.parametrize(
    "missing",
    [
        status(403, b"<Error/>"),
        status(404),
        status(400, b'{"error": true, "reason": "Parameter \'end_date\' is out of allowed range from 1940 to now"}'),
    ],
)
def test_what_is_not_published_is_not_asked_for_again(tmp_path: Path, missing: Step) -> None:
    with publishing(missing) as server:
        with pytest.raises(NotPublishedError, match=f"{server.url}/one: not published"):
            fetch(f"{server.url}/one", f"{server.url}/two", folder=tmp_path, rules=weather.OPEN_METEO)
        assert [path for path, _ in server.seen] == ["/one", "/two"]


def test_the_second_address_is_tried_where_the_first_has_nothing(tmp_path: Path) -> None:
    with publishing(status(404), whole()) as server:
        done = fetch(f"{server.url}/202505.zip", f"{server.url}/202505.csv.zip", folder=tmp_path)
    assert done is not None
    assert (done.path.name, done.fingerprint.url) == ("202505.csv.zip", f"{server.url}/202505.csv.zip")


def test_a_host_name_that_cannot_be_resolved_is_given_up_soon(tmp_path: Path) -> None:
    message = failure(f"http://nowhere.invalid/{NAME}", tmp_path)
    assert "the host name nowhere.invalid cannot be resolved (tried 3 times). Check the network" in message


def test_a_host_that_refuses_is_given_up_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    message = failure(f"http://127.0.0.1:{port}/{NAME}", tmp_path)
    assert "127.0.0.1 refused the connection (tried 3 times). Check the network" in message


def test_a_host_that_goes_away_during_a_download_gets_all_attempts(tmp_path: Path) -> None:
    def last_words(handler: Handler) -> None:
        handler.server.socket.close()
        whole(sent=500_000)(handler)

    with publishing(last_words) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "127.0.0.1 refused the connection (tried 5 times)" in message


@pytest.mark.parametrize("address", ["", "trip-data/a.parquet", "ftp://127.0.0.1/a.parquet", "http://"])
def test_what_is_no_web_address_is_not_tried_again(tmp_path: Path, address: str) -> None:
    message = failure(address, tmp_path)
    assert "it cannot be asked for (" in message
    assert "Check the publisher's base address" in message
