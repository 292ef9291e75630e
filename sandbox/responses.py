"""What is answered to a request: plain functions from request to response, no sockets.

Files are answered as an object store does (S3): conditional requests, one byte range, 403 for what is not there, and
for Citi Bike a listing. The weather archive answers JSON and gives no ETag.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from sandbox.broken_files import HTML
from sandbox.faults import CONNECTION_FAULTS, Breakages, Fault
from sandbox.files import months_of_name
from sandbox.listing import LISTED_FOLDER, listing
from sandbox.mobility.archive_api import archive_answer, month_asked
from sandbox.mobility.broken_weather import broken_answer
from sandbox.store import PublishedFile, Store

ARCHIVE_PATH = "/v1/archive"

_ACCESS_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.'
    b"</Message></Error>"
)
RETRY_AFTER_SECONDS = 1
_HTML_TYPE = "text/html; charset=utf-8"
_CONTENT_TYPES = {".parquet": "binary/octet-stream", ".zip": "application/zip"}


@dataclass(frozen=True)
class Request:
    """A GET or HEAD: its target (path and query) and its headers."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class FileSlice:
    """Bytes of a file from an offset on."""

    path: Path
    offset: int
    length: int


@dataclass(frozen=True)
class Ending:
    """An answer that is not sent to its end: `sent` bytes of its body, or nothing at all where that is None.

    Then the connection is closed; if it `hangs`, not before the publisher is.
    """

    sent: int | None
    hangs: bool = False


@dataclass(frozen=True)
class Response:
    """Status, headers and body; `Content-Length` is the body's unless a header says otherwise."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileSlice = b""
    ending: Ending | None = None

    @property
    def length(self) -> int:
        """How many bytes the body has."""
        return self.body.length if isinstance(self.body, FileSlice) else len(self.body)


def respond(request: Request, store: Store, breakages: Breakages) -> Response:
    """The publishers' answer to a request, with what is wrong with the month asked for."""
    address = urlsplit(request.target)
    if address.path == ARCHIVE_PATH:
        return _archive_response(parse_qs(address.query), store, breakages)
    folder, _, name = unquote(address.path).lstrip("/").partition("/")
    if not name and folder == LISTED_FOLDER and (query := parse_qs(address.query)).get("list-type") == ["2"]:
        return Response(200, {"Content-Type": "application/xml"}, listing(folder, query, store, breakages))
    found = months_of_name(folder, name)
    fault = breakages.met_by_request(*found) if found else None
    if (refusal := _refusal(fault)) is not None:
        return refusal
    published = store.find(folder, name, fault if fault not in CONNECTION_FAULTS else None)
    if published is None:
        return Response(403, {"Content-Type": "application/xml"}, _ACCESS_DENIED)
    response = _file_response(request.headers, published)
    if fault is Fault.HTML and "Content-Type" in response.headers:
        response.headers["Content-Type"] = _HTML_TYPE
    return _broken_off(response, fault)


def _archive_response(query: Mapping[str, list[str]], store: Store, breakages: Breakages) -> Response:
    month = month_asked(query)
    fault = breakages.met_by_request("weather", (month,)) if month else None
    if (refusal := _refusal(fault)) is not None:
        return refusal
    status, body = archive_answer(query, store.available_until)
    if fault is Fault.HTML:
        return Response(200, {"Content-Type": _HTML_TYPE}, HTML)
    if fault is not None and fault not in CONNECTION_FAULTS:
        status, body = broken_answer(status, body, fault)
    return _broken_off(Response(status, {"Content-Type": "application/json; charset=utf-8"}, body), fault)


def _refusal(fault: Fault | None) -> Response | None:
    """The answer of a server that does not come to look for the file."""
    match fault:
        case Fault.HANGS:
            return Response(200, ending=Ending(sent=None, hangs=True))
        case Fault.TOO_MANY_REQUESTS:
            return Response(429, {"Retry-After": str(RETRY_AFTER_SECONDS)}, b"Too Many Requests")
        case Fault.UNAVAILABLE:
            return Response(503, {"Content-Type": "application/xml"}, _SLOW_DOWN)
    return None


def _broken_off(response: Response, fault: Fault | None) -> Response:
    """The response as far as it comes: never past the middle of the file, whatever range was asked for."""
    if fault not in (Fault.BREAKS_OFF, Fault.STALLS) or response.status not in (200, 206):
        return response
    offset, end = 0, response.length
    if isinstance(response.body, FileSlice):
        offset, end = response.body.offset, response.body.path.stat().st_size
    sent = min(response.length, max(0, end // 2 - offset))
    return replace(response, ending=Ending(sent, hangs=fault is Fault.STALLS))


def _file_response(headers: Mapping[str, str], published: PublishedFile) -> Response:
    described = {
        "ETag": published.etag,
        "Last-Modified": format_datetime(published.last_modified, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if _is_unchanged(headers, published):
        return Response(304, described)
    described["Content-Type"] = _CONTENT_TYPES[published.path.suffix]
    asked = _range(headers, published)
    if asked is None:
        return Response(200, described, FileSlice(published.path, 0, published.size))
    if not asked:
        return Response(416, described | {"Content-Range": f"bytes */{published.size}"})
    content_range = f"bytes {asked.start}-{asked.stop - 1}/{published.size}"
    return Response(
        206, described | {"Content-Range": content_range}, FileSlice(published.path, asked.start, len(asked))
    )


def _is_unchanged(headers: Mapping[str, str], published: PublishedFile) -> bool:
    """Whether the client has this file; its ETag counts for more than its date (RFC 9110, 13.2.2)."""
    if (etags := headers.get("If-None-Match")) is not None:
        known = {etag.strip().removeprefix("W/") for etag in etags.split(",")}
        return "*" in known or published.etag in known
    since = _http_date(headers.get("If-Modified-Since"))
    return since is not None and published.last_modified <= since


def _range(headers: Mapping[str, str], published: PublishedFile) -> range | None:
    """The bytes asked for: None for the whole file, empty if it has no such bytes.

    Several ranges, and a range of another version of the file (`If-Range`), get the whole file.
    """
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("Range", "").strip())
    if asked is None or asked.group(0) == "bytes=-":
        return None
    condition = headers.get("If-Range")
    if condition is not None and condition != published.etag and _http_date(condition) != published.last_modified:
        return None
    first, last = asked.groups()
    if not first:
        return range(max(0, published.size - int(last)), published.size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1 if last else published.size, published.size))


def _http_date(value: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
