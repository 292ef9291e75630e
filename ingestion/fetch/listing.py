"""The names that a publisher lists of its files, as an object store does (S3's ListObjectsV2).

A listing only adds to the names that feeds declare: a name with a mistake in it, and the marks of many files in one
answer. Where anything is wrong with it, there is no listing. It is read as hostile: bounded in size, pages and time,
without document types and so without entities, and only names that can be a partition's are taken from it.
"""

import logging
import os.path
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import unquote

import requests

from ingestion.errors import DownloadError
from ingestion.fetch.exchange import Exchange
from ingestion.fetch.file_addresses import could_be_named, file_address, registered_names
from ingestion.fetch.listing_page import NoListingError, parse_page
from ingestion.fetch.retries import RetryPolicy, TransientError
from ingestion.fetch.watch import Limits
from ingestion.fetch.watched_session import WatchedSession
from ingestion.partitions import Partition
from warehouse.ledger import Fingerprint

logger = logging.getLogger(__name__)

_PIECE_BYTES = 1 << 16
_LONGEST_TOKEN = 2048
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}")


@dataclass(frozen=True)
class Bounds:
    """How large a listing may be. A page has up to 1,000 names, in about 300 kB."""

    pages: int = 10
    page_bytes: int = 4 << 20


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True)
class Listed:
    """The files that are listed of one partition: under a declared name, and under others."""

    registered: Fingerprint | None = None
    others: tuple[Fingerprint, ...] = ()


class Listings:
    """What a publisher lists during one visit: for each feed the names that its partitions may have.

    The listing of a feed is asked for when first needed, and once. A publisher that has none is not asked again. Safe
    for threads.
    """

    def __init__(self, base_address: Callable[[], str], partitions: Iterable[Partition], policy: RetryPolicy) -> None:
        names: dict[str, list[str]] = defaultdict(list)
        for partition in partitions:
            names[partition.feed.name] += registered_names(partition)
        # Letter by letter: these are not paths.
        self._prefixes = {feed: os.path.commonprefix(of_feed) for feed, of_feed in names.items()}  # noqa: RUF071
        self._base_address = base_address
        self._policy = policy
        self._files: dict[str, dict[str, Fingerprint]] = {}
        self._is_listed = True
        self._lock = threading.Lock()

    def of(self, partition: Partition, session: WatchedSession) -> Listed:
        """What the publisher lists of a partition; nothing where it has no listing."""
        files = self._once_asked(partition.feed.name, session)
        registered = registered_names(partition)
        listed = [files[name] for name in registered if name in files]
        others = [files[name] for name in sorted(files) if name not in registered and could_be_named(partition, name)]
        return Listed(listed[0] if listed else None, tuple(others))

    def other_addresses(self, partition: Partition, session: WatchedSession) -> list[str]:
        """The addresses of a partition's files that are listed under names that are not declared."""
        # A fingerprint has no password: the address that is asked for has the base address's.
        base = self._base_address()
        return [file_address(base, unquote(file.url.rpartition("/")[2])) for file in self.of(partition, session).others]

    def _once_asked(self, feed: str, session: WatchedSession) -> dict[str, Fingerprint]:
        with self._lock:
            if feed not in self._files:
                self._files[feed] = self._ask(feed, session) if self._is_listed else {}
            return self._files[feed]

    def _ask(self, feed: str, session: WatchedSession) -> dict[str, Fingerprint]:
        try:
            return read_listing(self._base_address(), self._prefixes[feed], session, self._policy)
        except NoListingError as error:
            logger.info("going by the declared names of %s, for there is no listing: %s", feed, error)
            self._is_listed = False
            return {}


def read_listing(
    base: str, prefix: str, session: WatchedSession, policy: RetryPolicy, bounds: Bounds = DEFAULT_BOUNDS
) -> dict[str, Fingerprint]:
    """The files below the base address whose names begin so, by name. It is asked for once, without retries.

    Raises:
        NoListingError: the publisher gives no listing, or none that can be read within the bounds.
    """
    exchange = Exchange(base, "a listing", "ask again", session, policy)
    seconds = policy.listing_seconds
    limits = Limits(time.monotonic() + seconds, f"not all of it came within {seconds:g} seconds")
    question = {"list-type": "2", "prefix": prefix}
    files: dict[str, Fingerprint] = {}
    for _ in range(bounds.pages):
        page = parse_page(_fetch(exchange, question, limits, bounds))
        for said in page.files:
            if _SAFE_NAME.fullmatch(name := said.get("Key", "")):
                files[name] = fingerprint_of_listed(file_address(base, name), said)
        if not page.is_truncated:
            return files
        if not 0 < len(page.next_token) <= _LONGEST_TOKEN:
            raise NoListingError("expected a token that asks for the next page")
        question["continuation-token"] = page.next_token
    raise NoListingError(f"expected at most {bounds.pages} pages")


def _fetch(exchange: Exchange, question: dict[str, str], limits: Limits, bounds: Bounds) -> bytes:
    body = bytearray()
    try:
        with exchange.request("GET", limits, params=question, allow_redirects=False) as (answer, watch):
            if answer.status_code != requests.codes.ok:
                raise NoListingError(f"the publisher answered {answer.status_code}")
            for piece in answer.iter_content(_PIECE_BYTES):
                body += piece
                watch.received(len(body))
                if len(body) > bounds.page_bytes:
                    raise NoListingError(f"expected at most {bounds.page_bytes:,} bytes a page")
            watch.received(len(body))
    except (TransientError, DownloadError) as error:
        raise NoListingError(str(error)) from error
    return bytes(body)


def fingerprint_of_listed(address: str, said: dict[str, str]) -> Fingerprint:
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
