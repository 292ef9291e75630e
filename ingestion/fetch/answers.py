"""What a publisher's answer means: its status, what it says, and how long it asks to be left alone."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.fetch.retries import TransientError
from warehouse.secrets import scrubbed

_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = range(500, 600)

_LONGEST_PAUSE_SECONDS = 366 * 24 * 3600
_SAID_BYTES = 1 << 16
_SAID_CHARACTERS = 200


def _is_missing(status: int, said: str) -> bool:
    return status in (403, 404)


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class AnswerRules:
    """How a publisher answers; as it stands, one that serves plain files.

    `is_not_published` tells from a status and what was said whether the publisher has no such file (yet),
    `pause_seconds` from what was said how long it asks to be left alone, and `content_hash` one state of a file from
    another where the publisher has no mark for that.
    """

    largest_bytes: int = 8_000_000_000
    is_not_published: Callable[[int, str], bool] = _is_missing
    pause_seconds: Callable[[str], float] = lambda said: 0
    content_hash: Callable[[Path], str] = _hash_of_file


FILE_SERVER = AnswerRules()


def failed_status(answer: requests.Response, said: str, rules: AnswerRules) -> TransientError | None:
    """What an answer with another status than hoped for means; None if asking again cannot help."""
    if answer.status_code not in (_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, *_SERVER_ERRORS):
        return None
    asked_seconds = _retry_after_seconds(answer.headers.get("Retry-After"), datetime.now(UTC))
    pause_seconds = max(asked_seconds, rules.pause_seconds(said))
    asks = f" and asks to be left alone for {math.ceil(pause_seconds):,} seconds" if pause_seconds else ""
    return TransientError(f"the publisher {described(answer, said)}{asks}", pause_seconds=pause_seconds)


def described(answer: requests.Response, said: str) -> str:
    """An answer in words: its status and what it said."""
    status = f"{answer.status_code} {answer.reason or ''}".strip()
    return f"answered {status}" + (f" ({said})" if said else "")


def said_by(answer: requests.Response) -> str:
    """The reason that an answer gives, if it gives one that is meant for people."""
    try:
        start = next(answer.iter_content(_SAID_BYTES), b"").decode(errors="replace")
    except (requests.RequestException, urllib3_errors.HTTPError):
        return ""  # the status says enough
    try:
        body = json.loads(start)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and "reason" in body:
        start = str(body["reason"])
    said = " ".join(scrubbed(start).split())
    # Neither a page nor a file is meant for people.
    return said[:_SAID_CHARACTERS] if said.isprintable() and not said.startswith("<") else ""


def _retry_after_seconds(value: str | None, now: datetime) -> float:
    """How long a `Retry-After` header asks to wait: it has seconds or a date; 0 where it has neither."""
    if value is None:
        return 0
    if value.strip().isdecimal():
        return min(float(value), _LONGEST_PAUSE_SECONDS)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return 0
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max(0, (date - now).total_seconds()), _LONGEST_PAUSE_SECONDS)
