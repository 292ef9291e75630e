"""What is answered to a request: plain functions from request to response, no sockets.

Files are answered as an object store does (S3): conditional requests, one byte range, 403 for what is not there, and a
listing where the publisher has one. Buckets answer only to signed requests. An API answers JSON and gives no ETag.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from sandbox.breakages import Breakages
from sandbox.broken_files import HTML
from sandbox.buckets import bucket_listing, error_body, hostile_error, refused_object, refused_signature
from sandbox.catalog import stand_in_at
from sandbox.faults import CONNECTION_FAULTS, Fault
from sandbox.listing import listing
from sandbox.paged_api import body_of, call_of, has_keys, page_for, partition_asked
from sandbox.stand_ins import ApiStandIn, BucketStandIn, Call, FileStandIn, PagedApiStandIn, Query
from sandbox.store import PublishedFile, Store

_ACCESS_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.'
    b"</Message></Error>"
)
RETRY_AFTER_SECONDS = 1
_IN_A_HUNDRED_YEARS = "Fri, 01 Jan 2126 00:00:00 GMT"
_HTML_TYPE = "text/html; charset=utf-8"
_CONTENT_TYPES = {".zip": "application/zip", ".csv": "text/csv"}
_ANY_TYPE = "binary/octet-stream"


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
    """An answer that is cut short: after `sent` bytes of its body, or before its headers where that is None.

    Then the connection is closed at once, or if it `hangs` when the server is closed.
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
    """The publishers' answer to a request, with what is wrong with the partition asked for."""
    address = urlsplit(request.target)
    query = parse_qs(address.query)
    found = stand_in_at(unquote(address.path).lstrip("/"))
    if found is None:
        return _denied()
    stand_in, name = found
    if isinstance(stand_in, BucketStandIn):
        return _bucket_response(stand_in, name, request, query, store, breakages)
    if isinstance(stand_in, FileStandIn):
        if name:
            return _named_file_response(stand_in, name, request.headers, store, breakages)
        if stand_in.has_listing and query.get("list-type") == ["2"]:
            return Response(200, {"Content-Type": "application/xml"}, listing(stand_in, query, store, breakages))
    elif isinstance(stand_in, PagedApiStandIn):
        return _paged_response(stand_in, call_of(stand_in, name, query), request, store, breakages)
    elif isinstance(stand_in, ApiStandIn) and not name:
        return _api_response(stand_in, query, store, breakages)
    return _denied()


def _bucket_response(
    stand_in: BucketStandIn, name: str, request: Request, query: Query, store: Store, breakages: Breakages
) -> Response:
    refused = refused_signature(stand_in, request.method, request.target, request.headers)
    if refused:
        return _refused(*refused)
    if not name:
        if query.get("list-type") != ["2"]:
            return _refused(404, "NoSuchKey")
        return Response(200, {"Content-Type": "application/xml"}, bucket_listing(stand_in, query, store, breakages))
    published = store.partitions_in(stand_in, name)
    fault = breakages.met_by_request(published or _broken_before_publication(stand_in, name, breakages))
    if (refusal := _refusal(fault)) is not None:
        return refusal
    if fault is Fault.REDIRECT:
        return _elsewhere(request)
    if fault is Fault.HOSTILE_ERROR:
        return Response(403, {"Content-Type": "application/xml"}, hostile_error())
    if not published or (refused := refused_object(fault)):
        return _refused(*(refused or (404, "NoSuchKey")))
    return _broken_off(_file_response(request.headers, store.find(published, fault)), fault)


def _refused(status: int, code: str) -> Response:
    return Response(status, {"Content-Type": "application/xml"}, error_body(code))


def _elsewhere(request: Request) -> Response:
    """A redirect to the same thing under another name of this machine."""
    port = request.headers.get("Host", "").rpartition(":")[2]
    return Response(307, {"Location": f"http://localhost:{port}{request.target}"})


def _denied() -> Response:
    return Response(403, {"Content-Type": "application/xml"}, _ACCESS_DENIED)


def _named_file_response(
    stand_in: FileStandIn, name: str, headers: Mapping[str, str], store: Store, breakages: Breakages
) -> Response:
    published = store.partitions_in(stand_in, name)
    fault = breakages.met_by_request(published or _broken_before_publication(stand_in, name, breakages))
    if (refusal := _refusal(fault)) is not None:
        return refusal
    if not published:
        return _denied()
    response = _file_response(headers, store.find(published, fault))
    if fault is Fault.HTML and "Content-Type" in response.headers:
        response.headers["Content-Type"] = _HTML_TYPE
    return _broken_off(response, fault)


def _broken_before_publication(stand_in: FileStandIn, name: str, breakages: Breakages) -> list[Partition]:
    """Partitions that are not published yet: a server that does not answer does so for them, too."""
    of_stand_in = [each for each in breakages.partitions() if each.feed.name in stand_in.feeds]
    return [partition for partition in of_stand_in if stand_in.published_name(partition) == name]


def _api_response(stand_in: ApiStandIn, query: Query, store: Store, breakages: Breakages) -> Response:
    (feed,) = (FEEDS[name] for name in stand_in.feeds)
    day = stand_in.day_asked(query)
    fault = breakages.met_by_request([Partition(feed, feed.period_of(day))]) if day else None
    if (refusal := _refusal(fault)) is not None:
        return refusal
    status, body = stand_in.answer(query, store.available_until(stand_in))
    if fault is Fault.HTML:
        return Response(200, {"Content-Type": _HTML_TYPE}, HTML)
    if fault is not None and fault not in CONNECTION_FAULTS:
        status, body = stand_in.broken_answer(status, body, fault)
    return _broken_off(Response(status, {"Content-Type": "application/json; charset=utf-8"}, body), fault)


def _paged_response(
    stand_in: PagedApiStandIn, call: Call, request: Request, store: Store, breakages: Breakages
) -> Response:
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    if not has_keys(stand_in, request.headers):
        status, body = body_of(stand_in, stand_in.refused(None))
        return Response(status, json_type, body)
    partition = partition_asked(stand_in, call, store)
    fault = breakages.met_by_request([partition]) if partition else None
    if (refusal := _refusal(fault)) is not None:
        return refusal
    if fault is Fault.REDIRECT:
        return _elsewhere(request)
    if fault is Fault.HTML:
        return Response(200, {"Content-Type": _HTML_TYPE}, HTML)
    status, body = page_for(stand_in, call, store, fault)
    return _broken_off(Response(status, json_type, body), fault)


def _refusal(fault: Fault | None) -> Response | None:
    """The answer of a server that does not even look for the file."""
    match fault:
        case Fault.HANGS:
            return Response(200, ending=Ending(sent=None, hangs=True))
        case Fault.TOO_MANY_REQUESTS:
            return Response(429, {"Retry-After": str(RETRY_AFTER_SECONDS)}, b"Too Many Requests")
        case Fault.LONG_PAUSE:
            return Response(429, {"Retry-After": _IN_A_HUNDRED_YEARS}, b"Too Many Requests")
        case Fault.UNAVAILABLE:
            return Response(503, {"Content-Type": "application/xml"}, _SLOW_DOWN)
    return None


def _broken_off(response: Response, fault: Fault | None) -> Response:
    """The response, cut at the middle of the file whatever range was asked for."""
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
    described["Content-Type"] = _CONTENT_TYPES.get(published.path.suffix, _ANY_TYPE)
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
