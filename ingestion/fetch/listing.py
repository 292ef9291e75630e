"""The names that a publisher lists of its files, as an object store does (S3's ListObjectsV2).

A listing only adds to what the registry knows: a name with a slip in it, and the marks of many files in one answer.
Whatever is wrong with it, there is then no listing. It is read as hostile: bounded in size, pages and time, without
document types and thus without entities, and of its names only those are taken that can be a month's.
"""

import logging
import os.path
import re
import threading
import time
import xml.parsers.expat
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import unquote

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.fetch.deadline import within
from ingestion.fetch.file_addresses import could_be_named, file_address, registered_names
from ingestion.fetch.retries import RetryPolicy
from ingestion.partitions import Partition
from warehouse.ledger import Fingerprint

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
_LONGEST_TOKEN = 2048
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}")


@dataclass(frozen=True)
class Bounds:
    """How much a listing may cost. A page has up to 1,000 names, in about 300 kB."""

    pages: int = 10
    page_bytes: int = 4 << 20
    seconds: float = 20
    connect_timeout_seconds: float = 10
    read_timeout_seconds: float = 10

    @classmethod
    def of(cls, policy: RetryPolicy) -> "Bounds":
        """The bounds of somebody who is so patient."""
        seconds = policy.listing_seconds
        return cls(
            seconds=seconds,
            connect_timeout_seconds=min(policy.connect_timeout_seconds, seconds),
            read_timeout_seconds=min(policy.read_timeout_seconds, seconds),
        )


class NoListingError(Exception):
    """The publisher gives no listing, or none that can be read."""


@dataclass
class Page:
    """One answer: what is said of each file, by S3's names, and the token that asks for the next page."""

    files: list[dict[str, str]] = field(default_factory=list)
    is_truncated: bool = False
    next_token: str = ""


@dataclass(frozen=True)
class Listed:
    """The files that are listed of one month: under a name of the registry, and under another."""

    registered: Fingerprint | None = None
    others: tuple[Fingerprint, ...] = ()


class Listings:
    """What a publisher lists during one visit: for each feed the names that its partitions may have.

    The listing of a feed is asked for when first needed, and once. A publisher that has none is not asked again. Safe
    for threads.
    """

    def __init__(
        self, base_address: Callable[[], str], partitions: Iterable[Partition], bounds: Bounds | None = None
    ) -> None:
        self._base_address = base_address
        names: dict[str, list[str]] = defaultdict(list)
        for partition in partitions:
            names[partition.feed.name] += registered_names(partition)
        # Letter by letter: these are no paths.
        self._prefixes = {feed: os.path.commonprefix(of_feed) for feed, of_feed in names.items()}  # noqa: RUF071
        self._bounds = bounds or Bounds()
        self._files: dict[str, dict[str, Fingerprint]] = {}
        self._is_listed = True
        self._lock = threading.Lock()

    def of(self, partition: Partition, session: requests.Session) -> Listed:
        """What the publisher lists of a month; nothing where it has no listing."""
        files = self._once_asked(partition.feed.name, session)
        registered = registered_names(partition)
        listed = [files[name] for name in registered if name in files]
        others = [files[name] for name in sorted(files) if name not in registered and could_be_named(partition, name)]
        return Listed(listed[0] if listed else None, tuple(others))

    def other_addresses(self, partition: Partition, session: requests.Session) -> list[str]:
        """The addresses of a month's files that are listed under another name than the registry's."""
        # A fingerprint has no password: the address that is asked for has the base address's.
        base = self._base_address()
        return [file_address(base, unquote(file.url.rpartition("/")[2])) for file in self.of(partition, session).others]

    def _once_asked(self, feed: str, session: requests.Session) -> dict[str, Fingerprint]:
        with self._lock:
            if feed not in self._files:
                self._files[feed] = self._ask(feed, session) if self._is_listed else {}
            return self._files[feed]

    def _ask(self, feed: str, session: requests.Session) -> dict[str, Fingerprint]:
        try:
            return read_listing(self._base_address(), self._prefixes[feed], session, self._bounds)
        except NoListingError as error:
            logger.info("going by the registry's names of %s, for there is no listing: %s", feed, error)
            self._is_listed = False
            return {}


def read_listing(base: str, prefix: str, session: requests.Session, bounds: Bounds) -> dict[str, Fingerprint]:
    """The files below the base address whose names begin so, by name.

    Raises:
        NoListingError: the publisher gives no listing, or none that can be read within the bounds.
    """
    until = time.monotonic() + bounds.seconds
    question = {"list-type": "2", "prefix": prefix}
    files: dict[str, Fingerprint] = {}
    for _ in range(bounds.pages):
        page = parse_page(_in_time(base, question, session, bounds, until))
        for said in page.files:
            if _SAFE_NAME.fullmatch(name := said.get("Key", "")):
                files[name] = _fingerprint(file_address(base, name), said)
        if not page.is_truncated:
            return files
        if not 0 < len(page.next_token) <= _LONGEST_TOKEN:
            raise NoListingError("expected a token that asks for the next page")
        question["continuation-token"] = page.next_token
    raise NoListingError(f"expected at most {bounds.pages} pages")


def _in_time(base: str, question: dict[str, str], session: requests.Session, bounds: Bounds, until: float) -> bytes:
    try:
        return within(until - time.monotonic(), lambda: _fetch(base, question, session, bounds, until))
    except TimeoutError as error:
        raise NoListingError(f"expected all of it within {bounds.seconds:g} seconds") from error


def _fetch(base: str, question: dict[str, str], session: requests.Session, bounds: Bounds, until: float) -> bytes:
    timeouts = (bounds.connect_timeout_seconds, bounds.read_timeout_seconds)
    body = bytearray()
    try:
        with session.get(base, params=question, stream=True, allow_redirects=False, timeout=timeouts) as answer:
            if answer.status_code != requests.codes.ok:
                raise NoListingError(f"the publisher answered {answer.status_code}")
            # As much as there is at a time, so that this ends soon after the deadline.
            while chunk := answer.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > bounds.page_bytes:
                    raise NoListingError(f"expected at most {bounds.page_bytes:,} bytes a page")
                if time.monotonic() > until:
                    raise NoListingError(f"expected all of it within {bounds.seconds:g} seconds")
    except (requests.RequestException, urllib3_errors.HTTPError, OSError, ValueError) as error:
        # Of the error only the kind: its text has the address.
        raise NoListingError(f"it could not be fetched ({type(error).__name__})") from error
    return bytes(body)


def parse_page(body: bytes) -> Page:
    """Read one answer.

    Raises:
        NoListingError: it is no listing, or has a document type.
    """
    page, is_whole = Page(), False
    path: list[str] = []
    texts: list[str] = []
    said: dict[str, str] = {}

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name)
        texts.clear()

    def end(name: str) -> None:
        nonlocal is_whole
        match path:
            case ["ListBucketResult", "Contents"]:
                page.files.append(dict(said))
                said.clear()
            case ["ListBucketResult", "Contents", _]:
                said[name] = "".join(texts)
            case ["ListBucketResult", "IsTruncated"]:
                page.is_truncated = "".join(texts).strip() == "true"
            case ["ListBucketResult", "NextContinuationToken"]:
                page.next_token = "".join(texts)
            case ["ListBucketResult"]:
                is_whole = True
        path.pop()
        texts.clear()

    def refuse(*_: object) -> None:
        raise NoListingError("a listing has no document type")

    parser = xml.parsers.expat.ParserCreate("UTF-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except xml.parsers.expat.ExpatError as error:
        raise NoListingError(f"it is no XML ({error})") from error
    if not is_whole:
        raise NoListingError("it is no ListBucketResult")
    return page


def _fingerprint(address: str, said: dict[str, str]) -> Fingerprint:
    """What is said of a file, as the headers of its download will say it."""
    etag, size = said.get("ETag", "").strip(), said.get("Size", "").strip()
    return Fingerprint(
        url=address,
        etag=etag if re.fullmatch(r'(W/)?"[\x21\x23-\x7e]{1,128}"', etag) else None,
        last_modified=_http_date(said.get("LastModified", "").strip()),
        content_length=int(size) if re.fullmatch(r"[0-9]{1,18}", size) else None,
    )


def _http_date(text: str) -> str | None:
    try:
        return format_datetime(datetime.fromisoformat(text).replace(microsecond=0), usegmt=True)
    except ValueError:
        return None
