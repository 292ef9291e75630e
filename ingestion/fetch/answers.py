"""What a publisher's answer means: its status, its text, and how long it asks to wait."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import ClassVar

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.errors import RefusedError
from ingestion.fetch.retries import TransientError
from warehouse.ledger import Fingerprint
from warehouse.secrets import scrubbed

_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = range(500, 600)

_LONGEST_PAUSE_SECONDS = 366 * 24 * 3600
_TEXT_BYTES = 1 << 16
_TEXT_CHARACTERS = 200
# No file's length has more digits than DuckDB keeps.
_MOST_DIGITS = 18


class AnswerRules:
    """What a publisher's answers mean. As they are here, they are those of a plain file server.

    `largest_bytes` is far more than its largest file has. `follows_redirects` is false where keys come with a request:
    whoever a redirect leads to must not have them, nor be taken for the publisher.
    """

    largest_bytes: ClassVar[int] = 8_000_000_000
    follows_redirects: ClassVar[bool] = True

    def is_not_published(self, status: int, text: str) -> bool:
        """Whether an answer, by its status and text, means that there is no such file (yet)."""
        return status in (403, 404)

    def refusal(self, status: int, text: str) -> str | None:
        """Why the publisher does not give this file to us, and what to do; None where the answer means something else.

        The words continue "expected the file, but".
        """
        return None

    def advice(self, status: int, text: str) -> str:
        """What to do about an answer that none of the other methods explains."""
        return "Look at the publisher's page; asking again will not help until something changes."

    def text(self, start: str) -> str:
        """What the start of an answer's body says of its reason, such as a field of JSON; else the start itself."""
        try:
            body = json.loads(start)
        except (ValueError, RecursionError):
            return start
        return str(body["reason"]) if isinstance(body, dict) and "reason" in body else start

    def pause_seconds(self, text: str) -> float:
        """How long the text of an answer asks to wait before the next request."""
        return 0

    def pause_by_headers(self, headers: Mapping[str, str], now: datetime) -> float:
        """How long the headers of an answer ask to wait before the next request."""
        return _retry_after_seconds(headers.get("Retry-After"), now)

    def content_hash(self, path: Path) -> str:
        """A hash that changes when the file's content does, for answers without ETag and Last-Modified."""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def failed_status(answer: requests.Response, text: str, rules: AnswerRules) -> TransientError | None:
    """What an answer with another status than hoped for means; None if asking again cannot help."""
    if answer.status_code not in (_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, *_SERVER_ERRORS):
        return None
    asked_seconds = rules.pause_by_headers(answer.headers, datetime.now(UTC))
    pause_seconds = max(asked_seconds, rules.pause_seconds(text))
    asks = f" and asks to be left alone for {math.ceil(pause_seconds):,} seconds" if pause_seconds else ""
    return TransientError(f"the publisher {described(answer, text)}{asks}", pause_seconds=pause_seconds)


def described(answer: requests.Response, text: str) -> str:
    """An answer in words: its status and its text."""
    status = f"{answer.status_code} {answer.reason or ''}".strip()
    return f"answered {status}" + (f" ({text})" if text else "")


def refused_status(answer: requests.Response, text: str, rules: AnswerRules, expected: str) -> RefusedError | None:
    """The error for an answer by which the publisher keeps the file from us; None if it does not."""
    refusal = rules.refusal(answer.status_code, text)
    return RefusedError(f"{expected}, but {refusal}") if refusal else None


def text_of(answer: requests.Response, rules: AnswerRules) -> str:
    """The text of an answer, such as the reason of a refusal; empty where it has none for people to read."""
    try:
        start = next(answer.iter_content(_TEXT_BYTES), b"").decode(errors="replace")
    except (requests.RequestException, urllib3_errors.HTTPError):
        return ""  # the status says enough
    text = " ".join(scrubbed(rules.text(start)).split())
    # Neither a page nor a file is for people to read.
    return text[:_TEXT_CHARACTERS] if text.isprintable() and not text.startswith("<") else ""


def file_fingerprint(address: str, answer: requests.Response) -> Fingerprint:
    """What the headers of an answer say of the file."""
    length = answer.headers.get("Content-Length", "")
    return Fingerprint(
        url=address,
        etag=answer.headers.get("ETag"),
        last_modified=answer.headers.get("Last-Modified"),
        content_length=int(length) if length.isdecimal() and len(length) <= _MOST_DIGITS else None,
    )


def _retry_after_seconds(value: str | None, now: datetime) -> float:
    """How long a `Retry-After` header asks to wait: it has seconds or a date; 0 where it has neither."""
    if value is None:
        return 0
    if value.strip().isdecimal():
        return min(float(value), _LONGEST_PAUSE_SECONDS)
    try:
        date = parsedate_to_datetime(value)
    # A year or zone of many digits fits into no date.
    except (ValueError, OverflowError):
        return 0
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max(0, (date - now).total_seconds()), _LONGEST_PAUSE_SECONDS)
