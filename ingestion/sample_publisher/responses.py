"""What is answered to a request: plain functions from request to response, no sockets.

Files are answered as an object store does (S3): conditional requests, one byte range, and 403 for what
is not there. The weather archive answers JSON and gives no ETag.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ingestion.sample_publisher.archive_api import archive_answer
from ingestion.sample_publisher.store import PublishedFile, Store

ARCHIVE_PATH = "/v1/archive"

_ACCESS_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
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
class Response:
    """Status, headers and body; `Content-Length` is the body's unless a header says otherwise."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileSlice = b""

    @property
    def length(self) -> int:
        """How many bytes the body has."""
        return self.body.length if isinstance(self.body, FileSlice) else len(self.body)


def respond(request: Request, store: Store) -> Response:
    """The publishers' answer to a request."""
    address = urlsplit(request.target)
    if address.path == ARCHIVE_PATH:
        status, body = archive_answer(parse_qs(address.query), store.available_until)
        return Response(status, {"Content-Type": "application/json; charset=utf-8"}, body)
    folder, _, name = address.path.lstrip("/").partition("/")
    published = store.find(folder, name)
    if published is None:
        return Response(403, {"Content-Type": "application/xml"}, _ACCESS_DENIED)
    return _file_response(request.headers, published)


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
