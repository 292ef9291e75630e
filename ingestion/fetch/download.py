"""Fetching a file from its publisher, unless it is the one that is loaded."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import requests

from ingestion.errors import DownloadError, NotPublishedError, UnreadableFileError
from ingestion.fetch.answers import AnswerRules, described, failed_status, file_fingerprint, refused_status, text_of
from ingestion.fetch.exchange import Exchange
from ingestion.fetch.part_file import PartFile
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy, TransientError
from ingestion.fetch.watch import Limits, Watch
from ingestion.fetch.watched_session import WatchedSession
from ingestion.publishers import Downloaded, Progress
from warehouse.ledger import Fingerprint
from warehouse.secrets import without_secrets

# Where a body breaks off, less than one piece of it is lost.
_PIECE_BYTES = 1 << 16


def download(
    addresses: Sequence[str],
    folder: Path,
    session: WatchedSession,
    *,
    known: Fingerprint | None,
    progress: Progress,
    rules: AnswerRules,
    again: str,
    policy: RetryPolicy = DEFAULT_POLICY,
    cancelled: threading.Event | None = None,
) -> Downloaded | None:
    """Fetch the first of the addresses that the publisher has, into the folder.

    Returns None where the publisher's file is the known one. Its body is then not fetched, if the publisher tells
    files apart by ETag or Last-Modified. What may pass is tried again, and a body that broke off is continued if the
    publisher can say that the rest is of the same file. The file has its name only once it is whole; after a failure
    nothing is left of it. `again` says what a person can do then, such as "load the month again".

    Raises:
        NotPublishedError: the publisher has none of them.
        DownloadError: the publisher could not be reached, its answer is not a whole file or takes too long, or the
            file does not fit on the disk.
        UnreadableFileError: the file is larger than the publisher's files ever are.
        CancelledError: `cancelled` was set meanwhile.
    """
    for address in addresses:
        exchange = Exchange(address, "the file", again, session, policy, cancelled)
        transfer = _Transfer(address, exchange, folder, known, progress, rules, policy)
        try:
            return exchange.with_retries(transfer.attempt)
        except NotPublishedError:
            continue
        finally:
            transfer.file.discard()
    raise NotPublishedError(f"{addresses[0]}: not published (yet)")


class _Transfer:
    """What has come from one address, over however many attempts."""

    def __init__(
        self,
        address: str,
        exchange: Exchange,
        folder: Path,
        known: Fingerprint | None,
        progress: Progress,
        rules: AnswerRules,
        policy: RetryPolicy,
    ) -> None:
        self._exchange = exchange
        self._known = known
        self._progress = progress
        self._rules = rules
        seconds = policy.longest_download_seconds
        self._limits = Limits(
            until=time.monotonic() + seconds,
            too_late=f"it was not whole within {seconds:,g} seconds",
            answer_seconds=policy.answer_seconds,
            slow_seconds=policy.slow_seconds,
            slow_bytes=policy.slow_bytes,
        )
        self.file = PartFile(folder, exchange)
        self._fingerprint = Fingerprint(url=address)
        self._is_encoded = False

    def attempt(self) -> Downloaded | None:
        """Ask once for the file, or for the rest of it."""
        if not (self.file.received and self._resume_condition()):
            self.file.discard()
        with self._exchange.request(
            "GET",
            self._limits,
            headers=self._headers(),
            received=self.file.amount,
            allow_redirects=self._rules.follows_redirects,
        ) as (answer, watch):
            return self._receive(answer, watch)

    def _headers(self) -> dict[str, str]:
        if self.file.received:
            return {"Range": f"bytes={self.file.received}-", "If-Range": self._resume_condition()}
        return _conditions(self._exchange.address, self._known)

    def _receive(self, answer: requests.Response, watch: Watch) -> Downloaded | None:
        status, received = answer.status_code, self.file.received
        if status == requests.codes.not_modified and not received and self._headers():
            return None
        if status == requests.codes.ok:
            return self._receive_whole(answer, watch)
        if received and status in (requests.codes.partial_content, requests.codes.range_not_satisfiable):
            if status == requests.codes.partial_content and self._is_continued_by(answer):
                self._write(answer, watch)
                return self._finish()
            self.file.discard()
            raise TransientError("the publisher's file changed during the download")
        text = text_of(answer, self._rules)
        if self._rules.is_not_published(status, text):
            raise NotPublishedError(f"{self._exchange.address}: not published (yet)")
        refused = refused_status(answer, text, self._rules, self._exchange.expected)
        raise (
            refused
            or failed_status(answer, text, self._rules)
            or DownloadError(
                f"{self._exchange.expected}, but the publisher {described(answer, text)}. "
                f"{self._rules.advice(status, text)}"
            )
        )

    def _receive_whole(self, answer: requests.Response, watch: Watch) -> Downloaded | None:
        self.file.discard()
        self._fingerprint = file_fingerprint(self._exchange.address, answer)
        self.file.expected = self._fingerprint.content_length
        self._is_encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
        if self._known and _has_marks(self._known) and self._fingerprint == replace(self._known, content_hash=None):
            return None
        self._write(answer, watch)
        return self._finish()

    def _resume_condition(self) -> str:
        """What `If-Range` says for the rest to be of the same file; empty where the publisher cannot tell."""
        if self._is_encoded:
            return ""
        etag = self._fingerprint.etag
        # A weak ETag stands for files that are as good as equal, not for equal bytes (RFC 9110, 13.1.5).
        return ("" if etag.startswith("W/") else etag) if etag else self._fingerprint.last_modified or ""

    def _is_continued_by(self, answer: requests.Response) -> bool:
        """Whether a partial answer begins where the last one broke off, in the same file."""
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if span is None or int(span[1]) != self.file.received:
            return False
        expected = self._fingerprint
        total = int(span[2]) if span[2] != "*" else expected.content_length
        if expected.content_length not in (None, total):
            return False
        return (
            answer.headers.get("ETag", expected.etag) == expected.etag
            and answer.headers.get("Last-Modified", expected.last_modified) == expected.last_modified
        )

    def _write(self, answer: requests.Response, watch: Watch) -> None:
        file = self.file
        self._refuse_if_too_large(file.expected or 0)
        watch.received(file.received)
        with file.opened() as write:
            for piece in answer.iter_content(_PIECE_BYTES):
                write(piece)
                watch.received(file.received)
                self._refuse_if_too_large(file.received)
                self._progress(file.received, file.expected)
        watch.received(file.received)

    def _refuse_if_too_large(self, amount: int) -> None:
        if amount > self._rules.largest_bytes:
            raise UnreadableFileError(
                f"{self._exchange.address}: expected a file of at most {self._rules.largest_bytes:,} bytes, but it has "
                f"{'' if amount == self.file.expected else 'more than '}{amount:,}. "
                f"Look at the publisher's page, and {self._exchange.again} when the file is repaired."
            )

    def _finish(self) -> Downloaded | None:
        file, fingerprint = self.file, self._fingerprint
        if file.expected is not None and file.received != file.expected and not self._is_encoded:
            raise TransientError(f"the connection broke off after {file.amount()}")
        if not file.received:
            # This is also how it looks where the connection broke off within the answer's headers.
            raise TransientError("the answer was empty")
        if not _has_marks(fingerprint):
            try:
                content_hash = self._rules.content_hash(file.part)
            except OSError as error:
                raise file.disk_error(error) from error
            fingerprint = replace(fingerprint, content_length=None, content_hash=content_hash)
            if self._known and self._known.content_hash == content_hash:
                return None
        return Downloaded(file.finish(), fingerprint, file.received)


def _conditions(address: str, known: Fingerprint | None) -> dict[str, str]:
    """The request headers that make the publisher answer 304 where its file is the known one."""
    if known is None or known.url != without_secrets(address):
        return {}
    # One of them: beside an ETag the date must count for nothing (RFC 9110, 13.1.3). Where a store lets it count, a
    # file that was replaced within a second would be taken for the known one.
    if known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.last_modified} if known.last_modified else {}


def _has_marks(fingerprint: Fingerprint) -> bool:
    """Whether the publisher itself tells one state of the file from another."""
    return bool(fingerprint.etag or fingerprint.last_modified)
