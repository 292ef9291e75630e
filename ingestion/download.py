"""Fetching a month's file from its publisher, unless it is the one that is loaded."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from ingestion.errors import DownloadError, NotPublishedError
from warehouse.ledger import Fingerprint

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = (10, 60)  # to connect, between two chunks

Progress = Callable[[int, int | None], None]
"""Told the bytes that have come so far, and how many there will be if the publisher said so."""


@dataclass(frozen=True)
class Downloaded:
    """A published file on disk."""

    path: Path
    fingerprint: Fingerprint
    bytes: int


def http_session() -> requests.Session:
    """A session that retries what may pass by itself: timeouts, lost connections, 429 and 5xx."""
    retry = Retry(
        total=5,
        backoff_factor=1,
        backoff_jitter=1,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def download(
    addresses: list[str], folder: Path, session: requests.Session, *, known: Fingerprint | None, progress: Progress
) -> Downloaded | None:
    """Fetch the first of the addresses that the publisher has, into the folder.

    Returns None where the publisher's file is the known one; its body is then not fetched, if the
    publisher tells files apart by ETag or Last-Modified.

    Raises:
        NotPublishedError: the publisher has none of them.
        DownloadError: the publisher could not be reached, or its answer is no whole file.
    """
    for address in addresses:
        try:
            with session.get(
                address, headers=_conditions(address, known), stream=True, timeout=_TIMEOUT_SECONDS
            ) as answer:
                if answer.status_code in (403, 404) or _is_future(answer):
                    continue
                return _receive(answer, address, folder, known, progress)
        except (requests.RequestException, OSError) as error:
            raise DownloadError(
                f"{address}: expected the file, but the download failed ({error}). Try again."
            ) from error
    raise NotPublishedError(f"{addresses[0]}: not published (yet)")


def _receive(
    answer: requests.Response, address: str, folder: Path, known: Fingerprint | None, progress: Progress
) -> Downloaded | None:
    if answer.status_code == requests.codes.not_modified:
        return None
    if answer.status_code != requests.codes.ok:
        raise DownloadError(
            f"{address}: expected the file, but the publisher answered {answer.status_code} {answer.reason}: "
            f"{answer.text[:200]}. Try again later."
        )
    length = answer.headers.get("Content-Length")
    fingerprint = Fingerprint(
        url=address,
        etag=answer.headers.get("ETag"),
        last_modified=answer.headers.get("Last-Modified"),
        content_length=int(length) if length else None,
    )
    has_marks = bool(fingerprint.etag or fingerprint.last_modified)
    if known and has_marks and fingerprint == replace(known, content_hash=None):
        return None
    path = folder / (Path(unquote(urlsplit(address).path)).name or "download")
    received = _write(answer, path, fingerprint.content_length, progress)
    if fingerprint.content_length is not None and answer.raw.tell() != fingerprint.content_length:
        raise DownloadError(
            f"{address}: expected {fingerprint.content_length:,} bytes, but {answer.raw.tell():,} came. Try again."
        )
    if not has_marks:
        fingerprint = replace(fingerprint, content_length=None, content_hash=_content_hash(path))
        if known and known.content_hash == fingerprint.content_hash:
            return None
    return Downloaded(path, fingerprint, received)


def _write(answer: requests.Response, path: Path, expected: int | None, progress: Progress) -> int:
    received = 0
    with path.open("wb") as file:
        for chunk in answer.iter_content(_CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            progress(received, expected)
    return received


def _conditions(address: str, known: Fingerprint | None) -> dict[str, str]:
    """The request headers that make the publisher answer 304 where its file is the known one."""
    if known is None or known.url != address:
        return {}
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in conditions.items() if value}


def _is_future(answer: requests.Response) -> bool:
    """Whether Open-Meteo says that it has no weather for these days yet."""
    return answer.status_code == requests.codes.bad_request and "out of allowed range" in answer.text


def _content_hash(path: Path) -> str:
    """A hash of what a file says; Open-Meteo's note of how long it took to answer is not part of that."""
    content = path.read_bytes()
    try:
        body = json.loads(content)
    except ValueError:
        return hashlib.sha256(content).hexdigest()
    if isinstance(body, dict):
        body.pop("generationtime_ms", None)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
