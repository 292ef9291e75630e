"""A file that is known is not sent again, whatever its publisher says of it; another one is."""

import hashlib
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingestion.mobility import weather
from tests.ingestion.scripted_publisher import (
    FILE,
    MODIFIED,
    NAME,
    OTHER_FILE,
    failure,
    fetch,
    publishing,
    status,
    whole,
)
from warehouse.ledger import Fingerprint

pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.mark.parametrize(("etag", "asked"), [('"one"', ('"one"', None)), (None, (None, MODIFIED))])
def test_the_known_file_is_not_sent_again(
    tmp_path: Path, etag: str | None, asked: tuple[str | None, str | None]
) -> None:
    with publishing(status(304)) as server:
        known = Fingerprint(f"{server.url}/{NAME}", etag, MODIFIED, len(FILE))
        assert fetch(known.url, folder=tmp_path, known=known) is None
        (_, headers) = server.seen[0]
    assert (headers.get("If-None-Match"), headers.get("If-Modified-Since")) == asked


def test_the_known_file_is_recognised_where_conditions_are_ignored(tmp_path: Path) -> None:
    with publishing(whole()) as server:
        known = Fingerprint(f"{server.url}/{NAME}", '"one"', MODIFIED, len(FILE))
        assert fetch(known.url, folder=tmp_path, known=known) is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_known_means_that_304_is_no_answer(tmp_path: Path) -> None:
    with publishing(status(304)) as server:
        assert "answered 304 Not Modified" in failure(f"{server.url}/{NAME}", tmp_path)


def test_a_replaced_file_comes_though_another_is_known(tmp_path: Path) -> None:
    with publishing(whole()) as server:
        known = Fingerprint(f"{server.url}/{NAME}", '"zero"', "Mon, 30 Jun 2025 12:00:00 GMT", len(FILE))
        done = fetch(known.url, folder=tmp_path, known=known)
    assert done is not None
    assert done.fingerprint.etag == '"one"'


def test_a_file_server_without_etags_tells_files_apart_by_date(tmp_path: Path) -> None:
    published, folder = tmp_path / "published", tmp_path / "work"
    published.mkdir()
    folder.mkdir()
    (published / NAME).write_bytes(FILE)
    handler = partial(SimpleHTTPRequestHandler, directory=str(published))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/{NAME}"
        first = fetch(address, folder=folder)
        assert first is not None
        assert (first.fingerprint.etag, first.fingerprint.content_length) == (None, len(FILE))
        assert fetch(address, folder=folder, known=first.fingerprint) is None
        (published / NAME).write_bytes(OTHER_FILE)
        os.utime(published / NAME, (2_000_000_000, 2_000_000_000))
        again = fetch(address, folder=folder, known=first.fingerprint)
        server.shutdown()
    assert again is not None
    assert again.path.read_bytes() == OTHER_FILE


def test_without_any_marks_the_content_tells_files_apart(tmp_path: Path) -> None:
    with publishing(whole(FILE, {}), whole(FILE, {}), whole(OTHER_FILE, {})) as server:
        address = f"{server.url}/{NAME}"
        first = fetch(address, folder=tmp_path)
        assert first is not None
        assert first.fingerprint == Fingerprint(address, content_hash=hashlib.sha256(FILE).hexdigest())
        assert fetch(address, folder=tmp_path, known=first.fingerprint) is None
        assert fetch(address, folder=tmp_path, known=first.fingerprint) is not None


def test_how_long_the_archive_took_is_no_change(tmp_path: Path) -> None:
    answers = [b'{"generationtime_ms": %d, "hourly": {"rain": [%d]}}' % numbers for numbers in ((1, 0), (2, 0), (3, 1))]
    with publishing(*(whole(answer, {}) for answer in answers)) as server:
        first = fetch(f"{server.url}/v1/archive?a=b", folder=tmp_path, rules=weather.OPEN_METEO)
        assert first is not None
        assert (
            fetch(f"{server.url}/v1/archive?a=b", folder=tmp_path, known=first.fingerprint, rules=weather.OPEN_METEO)
            is None
        )
        assert fetch(f"{server.url}/v1/archive?a=b", folder=tmp_path, known=first.fingerprint, rules=weather.OPEN_METEO)
