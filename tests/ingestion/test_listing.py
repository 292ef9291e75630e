"""Names as publishers have them: from the registry, and from the listing of those that have one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from ingestion.catalog import FEEDS, resolve_sources
from ingestion.errors import DownloadError
from ingestion.feeds import Feed
from ingestion.fetch.file_addresses import could_be_named, registered_names
from ingestion.fetch.listing import Bounds, Listings, read_listing
from ingestion.fetch.listing_page import NoListingError, parse_page
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.fetch.watched_session import WatchedSession
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status, ingest
from ingestion.publishers import Visits
from sandbox.faults import Fault
from sandbox.files import write_file
from sandbox.mobility.months import month_range
from sandbox.server import SamplePublisher
from tests.partitions import partition_of, partitions_of
from warehouse.periods import month

JC, CITIBIKE = FEEDS["citibike_jc"], FEEDS["citibike"]
JULY, AUGUST, SEPTEMBER = (date(2022, month, 1) for month in (7, 8, 9))
WITHOUT_I = "JC-202207-citbike-tripdata.csv.zip"
WITH_A_BLANK = "JC-201708 citibike-tripdata.csv.zip"
# Nothing here takes long that is good, and each bad answer ends by itself.
_SHORT = RetryPolicy(listing_seconds=20)
UNHEARD_OF = "JC-202208_Citi Bike-trip-data.csv.zip"


def _contents(*names: str) -> str:
    said = "<LastModified>2022-08-03T15:22:18.000Z</LastModified><ETag>&quot;5d&quot;</ETag><Size>7</Size>"
    return "".join(f"<Contents><Key>{name}</Key>{said}</Contents>" for name in names)


def _page(*names: str, more: str = "<IsTruncated>false</IsTruncated>") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{more}{_contents(*names)}</ListBucketResult>"
    ).encode()


class _Bucket(BaseHTTPRequestHandler):
    """Serves files by name and any answer for a listing."""

    files: dict[str, bytes]
    answer: Callable[[BaseHTTPRequestHandler], None]
    asked: list[tuple[str, str]]

    def do_HEAD(self) -> None:
        self._file(b"")

    def do_GET(self) -> None:
        if urlsplit(self.path).query:
            self.asked.append(("LIST", parse_qs(urlsplit(self.path).query)["prefix"][0]))
            type(self).answer(self)
        else:
            self._file(None)

    def _file(self, sent: bytes | None) -> None:
        name = unquote(self.path.rpartition("/")[2])
        self.asked.append((self.command, name))
        content = self.files.get(name)
        self.send_response(403 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write((content or b"") if sent is None else sent)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def _served(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def _bucket(
    answer: Callable[[BaseHTTPRequestHandler], None] | bytes, files: dict[str, bytes] | None = None
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The base address of a bucket, and what is asked of it."""
    asked: list[tuple[str, str]] = []
    answers = partial(_send, body=answer) if isinstance(answer, bytes) else answer
    handler = type("Bucket", (_Bucket,), {"files": files or {}, "answer": staticmethod(answers), "asked": asked})
    with _served(handler) as url:
        yield f"{url}/tripdata", asked


def _send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _load(*months: date) -> list[Result]:
    return ingest(partitions_of(resolve_sources("citibike_jc"), months))


def _read(base: str, policy: RetryPolicy = _SHORT, prefix: str = "JC-") -> list[str]:
    with WatchedSession() as session:
        return sorted(read_listing(base, prefix, session, policy))


@pytest.mark.parametrize(
    ("feed", "month", "name", "is_named"),
    [
        (JC, JULY, WITHOUT_I, True),
        (JC, date(2017, 8, 1), WITH_A_BLANK, True),
        (JC, AUGUST, UNHEARD_OF, True),
        (JC, AUGUST, WITHOUT_I, False),
        (CITIBIKE, JULY, "202207-citbike-tripdata.zip", True),
        (CITIBIKE, JULY, "2022-citbike-tripdata.zip", True),
        (CITIBIKE, JULY, WITHOUT_I, False),
        # of eight months
        (CITIBIKE, JULY, "202207-202302-citibike-tripdata.zip", False),
        (JC, JULY, "JC-202207-citibike-tripdata.csv.exe", False),
        (JC, JULY, "JC-202207-/../../etc/passwd.zip", False),
        (JC, JULY, "JC-202207-\nx.zip", False),
        (JC, JULY, "JC-202207-%2e%2e.zip", False),
        (JC, JULY, f"JC-202207-{'a' * 100}.zip", False),
    ],
)
def test_a_name_is_a_months_up_to_slips_in_its_words(feed: Feed, month: date, name: str, is_named: bool) -> None:
    assert could_be_named(partition_of(feed, month), name) is is_named


@pytest.mark.parametrize(("month", "name"), [(JULY, WITHOUT_I), (date(2017, 8, 1), WITH_A_BLANK)])
def test_names_with_a_slip_are_loaded_from_a_plain_file_server(
    month: date, name: str, tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert name in registered_names(partition_of(JC, month))
    assert write_file("citibike_jc", month, tmp_path / "tripdata", rows=1).name == name
    handler = partial(_QuietFileServer, directory=str(tmp_path))
    with _served(handler) as url:
        monkeypatch.setenv("SOURCES__CITIBIKE__BASE_URL", f"{url}/tripdata")
        (result,) = _load(month)
    assert (result.status, result.rows) == (Status.LOADED, 120)


class _QuietFileServer(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


def test_a_name_that_only_the_listing_has_is_loaded(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_file("citibike_jc", AUGUST, tmp_path, rows=1).read_bytes()
    hostile = ("../../etc/passwd", "JC-202208/x.zip", "http://127.0.0.1:9/JC-202208-citibike-tripdata.zip")
    with _bucket(_page(*hostile, UNHEARD_OF), {UNHEARD_OF: file}) as (base, asked):
        monkeypatch.setenv("SOURCES__CITIBIKE__BASE_URL", base)
        results = _load(JULY, AUGUST, SEPTEMBER)
        with Visits([partition_of(JC, AUGUST)]) as visits:
            published = visits.to(partition_of(JC, AUGUST)).ask(partition_of(JC, AUGUST))
    assert [result.status for result in results] == [Status.NOT_PUBLISHED, Status.LOADED, Status.NOT_PUBLISHED]
    assert results[1].rows == 120
    assert published
    assert results[1].fingerprint
    assert published.url == results[1].fingerprint.url == f"{base}/{UNHEARD_OF.replace(' ', '%20')}"
    # Once for the run, of the names that its months may have, and once for the question.
    assert [name for method, name in asked if method == "LIST"] == ["JC-20220", "JC-202208"]
    assert {name for method, name in asked if method != "LIST"} - {UNHEARD_OF} == {
        name for month in (JULY, AUGUST, SEPTEMBER) for name in registered_names(partition_of(JC, month))
    }


def test_a_listed_file_is_asked_for_with_the_password_of_the_base_address(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = partition_of(JC, AUGUST)
    with _bucket(_page(UNHEARD_OF)) as (base, _), WatchedSession() as session:
        with_password = base.replace("://", "://loader:s3cret@")
        monkeypatch.setenv("SOURCES__CITIBIKE__BASE_URL", with_password)
        listings = Listings(lambda: with_password, [partition], _SHORT)
        assert listings.other_addresses(partition, session) == [f"{with_password}/{UNHEARD_OF.replace(' ', '%20')}"]
        assert "s3cret" not in str(listings.of(partition, session))


def test_files_under_names_of_the_registry_are_loaded_without_a_listing(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SamplePublisher(JULY, AUGUST, rows=1000) as publisher:
        for name, value in publisher.environment.items():
            monkeypatch.setenv(name, value)
        assert [result.status for result in _load(JULY, AUGUST)] == [Status.LOADED, Status.LOADED]
        assert [asked.path for asked in publisher.requests if "?" in asked.path] == []


_DEEP = b"<ListBucketResult>" + b"<a>" * 100_000
_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>"
)
_OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b"<ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>"
)


@pytest.mark.parametrize(
    "body",
    [
        _BOMB,
        _OUTSIDE,
        _DEEP,
        b"<html><body>Index of /tripdata</body></html>",
        b"<Error><Code>AccessDenied</Code></Error>",
        b"",
        b"\x00\xff\xfe",
        b'<?xml version="1.0" encoding="nonsense"?><ListBucketResult>&undeclared;</ListBucketResult>',
        _page("JC-202207-a.zip")[:-9],
        _page("JC-202207-a.zip", more="<IsTruncated>true</IsTruncated>"),
        _page(
            "JC-202207-a.zip",
            more=f"<IsTruncated>true</IsTruncated><NextContinuationToken>{'t' * 9999}</NextContinuationToken>",
        ),
        # for ever the same page
        _page(
            "JC-202207-a.zip", more="<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        ),
        _page(*(f"JC-202207-{number}.zip" for number in range(50_000))),
    ],
)
def test_what_is_no_listing_is_none(body: bytes) -> None:
    with _bucket(body) as (base, _), pytest.raises(NoListingError):
        _read(base)


def _drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(100):
        try:
            handler.wfile.write(b" ")
        except OSError:
            return
        time.sleep(0.1)


def _drip_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nServer: ")
    for _ in range(100):
        try:
            handler.wfile.write(b"x")
        except OSError:
            return
        time.sleep(0.1)


def _redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(301)
    handler.send_header("Location", "http://[::1")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize(
    "answer", [_drip, _drip_headers, _redirect, partial(_send, body=_page(), status=503), lambda _: None]
)
def test_a_publisher_that_answers_badly_has_no_listing(answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
    begun = time.monotonic()
    with _bucket(answer) as (base, _), pytest.raises(NoListingError):
        _read(base, RetryPolicy(listing_seconds=0.5, read_timeout_seconds=1))
    # One that drips goes on for ten seconds.
    assert time.monotonic() - begun < 9


@pytest.mark.parametrize(
    ("head", "said"), [(_drip_headers, "no whole answer came within 2 seconds"), (_redirect, "it cannot be asked for")]
)
def test_a_publisher_that_answers_badly_could_not_be_asked(
    head: Callable[[BaseHTTPRequestHandler], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A redirect is an answer, and may take its time.
    policy = RetryPolicy(attempts=1)
    if head is _drip_headers:
        policy = RetryPolicy(attempts=1, connect_timeout_seconds=0.5, read_timeout_seconds=0.5)
    handler = type("Bad", (_Bucket,), {"do_HEAD": head})
    with _served(handler) as url:
        monkeypatch.setenv("SOURCES__TLC__BASE_URL", f"{url}/trip-data")
        partition = Partition(FEEDS["green"], month(2025, 1))
        with Visits([partition], policy) as visits, pytest.raises(DownloadError, match=said):
            visits.to(partition).ask(partition)


def test_a_bad_listing_keeps_no_file_from_being_loaded(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_file("citibike_jc", JULY, tmp_path, rows=1)
    with _bucket(_BOMB, {file.name: file.read_bytes()}) as (base, asked):
        monkeypatch.setenv("SOURCES__CITIBIKE__BASE_URL", base)
        results = ingest(partitions_of(resolve_sources("citibike,citibike_jc"), [JULY, AUGUST]))
        with Visits([partition_of(JC, JULY)]) as visits:
            assert visits.to(partition_of(JC, JULY)).ask(partition_of(JC, JULY))
    statuses = {str(result.partition): result.status for result in results}
    assert statuses.pop("citibike_jc 2022-07") is Status.LOADED
    assert set(statuses.values()) == {Status.NOT_PUBLISHED}
    # Not once more for the other feed.
    assert [method for method, _ in asked].count("LIST") == 2


def test_the_marks_of_a_listed_file_are_those_of_its_headers() -> None:
    said = parse_page(_page(WITHOUT_I)).files
    assert said == [{"Key": WITHOUT_I, "LastModified": "2022-08-03T15:22:18.000Z", "ETag": '"5d"', "Size": "7"}]
    months = [date(2017, 8, 1), *month_range(date(2022, 6, 1), AUGUST)]
    with SamplePublisher(months[0], months[-1], rows=1000) as publisher, WatchedSession() as session:
        base = publisher.environment["SOURCES__CITIBIKE__BASE_URL"]
        publisher.replace("citibike_jc", AUGUST)
        publisher.break_("citibike_jc", JULY, Fault.EXTRA_COLUMN)
        listed = read_listing(base, "JC-2022", session, DEFAULT_POLICY, Bounds(pages=1)) | read_listing(
            base, "JC-201708", session, DEFAULT_POLICY, Bounds(pages=1)
        )
        assert list(listed) == [
            *(f"JC-20220{month}-citibike-tripdata.csv.zip" for month in range(1, 7)),
            WITHOUT_I,
            "JC-202208-citibike-tripdata.csv.zip",
            WITH_A_BLANK,
        ]
        for file in listed.values():
            headers = session.head(file.url).headers
            marks = (headers["ETag"], headers["Last-Modified"], int(headers["Content-Length"]))
            assert (file.etag, file.last_modified, file.content_length) == marks


def test_the_sample_publishers_listing_comes_in_pages_and_is_of_citi_bike_alone() -> None:
    with SamplePublisher(JULY, SEPTEMBER, rows=100) as publisher, WatchedSession() as session:
        base = publisher.environment["SOURCES__CITIBIKE__BASE_URL"]
        question = {"list-type": "2", "max-keys": "2"}
        names = []
        for length in (2, 2):
            page = parse_page(session.get(base, params=question).content)
            assert len(page.files) == length
            names += [said["Key"] for said in page.files]
            question["continuation-token"] = page.next_token
        assert names == [
            "2022-citibike-tripdata.zip",
            WITHOUT_I,
            "JC-202208-citibike-tripdata.csv.zip",
            "JC-202209-citibike-tripdata.csv.zip",
        ]
        assert not page.is_truncated
        assert session.get(f"{publisher.url}/trip-data", params=question).status_code == 403
