"""Downloads that break off, whose file is replaced meanwhile, or for which there is no room."""

import errno
import os
import re
from pathlib import Path

import pytest

from ingestion.errors import DownloadError
from ingestion.publishers import Downloaded
from tests.ingestion.scripted_publisher import (
    ETAG,
    FILE,
    IMPATIENT,
    MODIFIED,
    NAME,
    OTHER_FILE,
    QUICK,
    Handler,
    break_off,
    failure,
    fetch,
    fetch_file,
    publishing,
    rest,
    status,
    whole,
)
from warehouse.ledger import Fingerprint

pytestmark = pytest.mark.usefixtures("no_proxy")


def test_a_file_comes_whole_with_what_its_publisher_says_of_it(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with publishing(whole()) as server:
        done = fetch(f"{server.url}/{NAME}", folder=tmp_path, progress=lambda *amounts: told.append(amounts))
        url = server.url
    assert done == Downloaded(tmp_path / NAME, Fingerprint(f"{url}/{NAME}", '"one"', MODIFIED, len(FILE)), len(FILE))
    assert done.path.read_bytes() == FILE
    assert told == sorted(told)
    assert told[-1] == (len(FILE), len(FILE))


@pytest.mark.parametrize("marks", [ETAG, {"Last-Modified": MODIFIED}, {"ETag": '"one"'}])
@pytest.mark.parametrize("stalls", [False, True])
def test_a_download_that_broke_off_is_continued(tmp_path: Path, marks: dict[str, str], stalls: bool) -> None:
    with publishing(whole(marks=marks, sent=500_000, stalls=stalls), rest(marks=marks)) as server:
        done = fetch_file(server, tmp_path, IMPATIENT if stalls else QUICK)
        (first, again) = server.ranges
        assert server.seen[1][1]["If-Range"] == marks.get("ETag", MODIFIED)
    assert done.path.read_bytes() == FILE
    assert first is None
    # at most one chunk of what came is asked for again
    assert again is not None
    assert 430_000 < int(again.removeprefix("bytes=").removesuffix("-")) <= 500_000
    assert done.fingerprint.content_length == len(FILE)


def test_a_download_is_continued_as_often_as_it_breaks_off(tmp_path: Path) -> None:
    with publishing(whole(sent=300_000), rest(sent=300_000), status(503), rest(sent=100_000), rest()) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE
        assert None not in server.ranges[1:]
        assert len(set(server.ranges)) == 4


def test_a_file_replaced_between_break_and_resume_comes_whole(tmp_path: Path) -> None:
    new_marks = {"ETag": '"two"', "Last-Modified": "Wed, 02 Jul 2025 12:00:00 GMT"}
    with publishing(whole(sent=500_000), rest(OTHER_FILE, new_marks)) as server:
        done = fetch_file(server, tmp_path)
    assert done.path.read_bytes() == OTHER_FILE
    assert (done.fingerprint.etag, done.fingerprint.content_length) == ('"two"', len(OTHER_FILE))


@pytest.mark.parametrize(
    ("other_file", "other_marks"),
    [
        (FILE[::-1], {"ETag": '"two"'}),
        (FILE[::-1], {"Last-Modified": "Wed, 02 Jul 2025 12:00:00 GMT"}),
        (OTHER_FILE, {}),
    ],
)
def test_a_publisher_that_mixes_two_files_is_noticed(
    tmp_path: Path, other_file: bytes, other_marks: dict[str, str]
) -> None:
    def rest_of_another(handler: Handler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        content_range = f"bytes {first}-{len(other_file) - 1}/{len(other_file)}"
        whole(other_file[first:], other_marks | {"Content-Range": content_range}, status=206)(handler)

    with publishing(whole(sent=500_000), rest_of_another, whole(other_file, {"ETag": '"two"'})) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == other_file
        assert server.ranges[2] is None


def test_a_range_that_is_not_there_starts_the_download_over(tmp_path: Path) -> None:
    with publishing(whole(sent=500_000), status(416, Content_Range="bytes */400000"), whole()) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE
        assert server.ranges[2] is None


@pytest.mark.parametrize("marks", [{}, {"ETag": 'W/"weak"', "Last-Modified": MODIFIED}])
def test_without_a_mark_for_equal_bytes_a_download_starts_over(tmp_path: Path, marks: dict[str, str]) -> None:
    with publishing(whole(marks=marks, sent=500_000), whole(marks=marks)) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE
        assert server.ranges == [None, None]


def test_a_server_that_knows_no_ranges_sends_the_file_again(tmp_path: Path) -> None:
    with publishing(whole(sent=500_000), whole()) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE


def test_a_body_shorter_than_its_content_length_is_no_file(tmp_path: Path) -> None:
    with publishing(whole(FILE[:1000], {}, sent=400)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "the connection broke off after its first bytes (tried 5 times)" in message


def test_how_much_came_is_told(tmp_path: Path) -> None:
    with publishing(whole(marks={}, sent=500_000)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert re.search(r"the connection broke off after [45]\d\d,\d\d\d of 1,000,000 bytes \(tried 5 times\)", message)


def test_an_answer_that_never_begins_is_told(tmp_path: Path) -> None:
    with publishing(whole(marks={}, sent=400), break_off) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "the connection broke off before any of it came (tried 5 times)" in message


@pytest.mark.parametrize("sent", [20, 60, 90])
def test_an_answer_that_ends_within_its_headers_is_no_empty_file(tmp_path: Path, sent: int) -> None:
    def cut(handler: Handler) -> None:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nDate: {MODIFIED}\r\nContent-Length: {len(FILE)}\r\n"[:sent].encode())
        handler.close_connection = True

    with publishing(cut, whole()) as server:
        fetch_file(server, tmp_path).path.unlink()
    with publishing(cut) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert re.search(r"the answer was empty|the connection broke off", message)
    assert "(tried 5 times)" in message


@pytest.mark.parametrize("body", [b"\x1b[31mred", b"PK\x03\x04\x14\x00", FILE[:5000], b'{"reason": "\\u0000"}'])
def test_an_answer_that_is_no_text_for_people_is_not_quoted(tmp_path: Path, body: bytes) -> None:
    with publishing(status(418, body)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "the publisher answered 418 I'm a Teapot. Look at" in message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_and_not_tried_again(tmp_path: Path) -> None:
    part = tmp_path / f"{NAME}.part"

    def rest_on_a_full_disk(handler: Handler) -> None:
        part.unlink()
        part.symlink_to("/dev/full")
        rest()(handler)

    with publishing(whole(sent=500_000), rest_on_a_full_disk, rest()) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 2
    assert f"expected room for 1,000,000 bytes in {tmp_path}, but the disk is full: " in message


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with publishing(whole()) as server, pytest.raises(DownloadError, match=os.strerror(errno.ENOENT)):
        fetch(f"{server.url}/{NAME}", folder=tmp_path / "missing")
