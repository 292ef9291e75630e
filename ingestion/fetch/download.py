"""Fetching a month's file from its publisher, unless it is the one that is loaded."""

import errno
import re
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.errors import DownloadError, NotPublishedError, UnreadableFileError
from ingestion.fetch.answers import FILE_SERVER, AnswerRules, described, failed_status, file_fingerprint, said_by
from ingestion.fetch.retries import (
    DEFAULT_POLICY,
    RetryPolicy,
    TransientError,
    failed_request,
    hopeless_reason,
    with_retries,
)
from ingestion.fetch.watched_session import Watch
from ingestion.publishers import Downloaded, Progress
from warehouse.ledger import Fingerprint
from warehouse.secrets import without_secrets

# What is lost of a body that breaks off is less than one chunk.
_CHUNK_BYTES = 1 << 16


def download(
    addresses: Sequence[str],
    folder: Path,
    session: requests.Session,
    *,
    known: Fingerprint | None,
    progress: Progress,
    rules: AnswerRules = FILE_SERVER,
    policy: RetryPolicy = DEFAULT_POLICY,
    cancelled: threading.Event | None = None,
) -> Downloaded | None:
    """Fetch the first of the addresses that the publisher has, into the folder.

    Returns None where the publisher's file is the known one; its body is then not fetched, if the
    publisher tells files apart by ETag or Last-Modified. What may pass by itself is tried again, and a
    body that broke off is continued if the publisher can say that the rest is of the same file. The
    file has its name only once it is whole; after a failure nothing is left of it.

    An address may have a user and a password in it: they are sent to its host alone, and are in no
    message and no fingerprint.

    Raises:
        NotPublishedError: the publisher has none of them.
        DownloadError: the publisher could not be reached, its answer is no whole file or takes too
            long, or it does not fit on the disk.
        UnreadableFileError: the file is larger than the publisher's ever are.
        CancelledError: `cancelled` was set meanwhile.
    """
    cancelled = cancelled or threading.Event()
    for address in addresses:
        transfer = _Transfer(address, folder, session, known, progress, rules, policy, cancelled)
        try:
            return with_retries(transfer.attempt, f"{without_secrets(address)}: expected the file", policy, cancelled)
        except NotPublishedError:
            continue
        finally:
            transfer.discard()
    raise NotPublishedError(f"{addresses[0]}: not published (yet)")


class _Transfer:
    """What has come from one address, over however many attempts."""

    def __init__(
        self,
        address: str,
        folder: Path,
        session: requests.Session,
        known: Fingerprint | None,
        progress: Progress,
        rules: AnswerRules,
        policy: RetryPolicy,
        cancelled: threading.Event,
    ) -> None:
        self._asked_address = address
        self._address = without_secrets(address)
        self._session = session
        self._known = known
        self._progress = progress
        self._rules = rules
        self._policy = policy
        self._cancelled = cancelled
        self._deadline = time.monotonic() + policy.longest_download_seconds
        self._path = folder / _file_name(address)
        self._part = self._path.with_name(f"{self._path.name}.part")
        self._fingerprint = Fingerprint(url=address)
        self._received = 0
        self._is_encoded = False
        self._was_answered = False

    def attempt(self) -> Downloaded | None:
        """Ask once for the file, or for the rest of it."""
        self._stop_if_cancelled()
        if not (self._received and self._resume_condition()):
            self._start_over()
        policy = self._policy
        with Watch(self._session, policy, self._cancelled, self._deadline) as watch:
            try:
                with self._session.get(
                    self._asked_address,
                    headers=self._headers(),
                    stream=True,
                    timeout=(policy.connect_timeout_seconds, policy.read_timeout_seconds),
                ) as answer:
                    self._was_answered = True
                    return self._receive(answer, watch)
            # requests lets errors through that a redirect to what is no address causes.
            except (requests.RequestException, urllib3_errors.HTTPError, ValueError) as error:
                raise self._failure(error, watch) from error

    def _failure(self, error: Exception, watch: Watch) -> Exception:
        """What ended an attempt, so that it is tried again where that can help."""
        self._stop_if_cancelled()
        if watch.reason:
            return self._too_slow(watch)
        failure = (
            failed_request(error, self._policy, self._amount())
            if isinstance(error, requests.RequestException)
            else None
        )
        if failure is None:
            return DownloadError(
                f"{self._address}: expected the file, but {hopeless_reason(error)}. "
                "Check the publisher's base address, and where it redirects to."
            )
        # A host that has answered before is there: it deserves the whole patience.
        failure.is_unreachable = failure.is_unreachable and not self._was_answered
        return failure

    def _too_slow(self, watch: Watch) -> Exception:
        amount = self._amount()
        reason = f"{watch.reason}" + (f", after {amount}" if amount else "")
        if not watch.is_too_late:
            return TransientError(reason, is_slow=True)
        return DownloadError(f"{self._address}: expected the file, but {reason}. Load the month again later.")

    def discard(self) -> None:
        """Remove what is there of a file that is not whole."""
        self._part.unlink(missing_ok=True)

    def _headers(self) -> dict[str, str]:
        if self._received:
            return {"Range": f"bytes={self._received}-", "If-Range": self._resume_condition()}
        return _conditions(self._address, self._known)

    def _receive(self, answer: requests.Response, watch: Watch) -> Downloaded | None:
        status = answer.status_code
        if status == requests.codes.not_modified and not self._received and _conditions(self._address, self._known):
            return None
        if status == requests.codes.ok:
            self._start_over()
            self._fingerprint = file_fingerprint(self._address, answer)
            self._is_encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
            if self._known and _has_marks(self._known) and self._fingerprint == replace(self._known, content_hash=None):
                return None
            self._write(answer, watch)
            return self._finish()
        if self._received and status in (requests.codes.partial_content, requests.codes.range_not_satisfiable):
            if status == requests.codes.partial_content and self._is_continued_by(answer):
                self._write(answer, watch)
                return self._finish()
            self._start_over()
            raise TransientError("the publisher's file changed during the download")
        said = said_by(answer)
        if self._rules.is_not_published(status, said):
            raise NotPublishedError(f"{self._address}: not published (yet)")
        raise failed_status(answer, said, self._rules) or DownloadError(
            f"{self._address}: expected the file, but the publisher {described(answer, said)}. "
            "Look at the publisher's page; asking again will not help until something changes."
        )

    def _start_over(self) -> None:
        self._received = 0
        self.discard()

    def _resume_condition(self) -> str:
        """What `If-Range` says for the rest to be of the same file; empty where that cannot be told."""
        if self._is_encoded:
            return ""
        etag = self._fingerprint.etag
        # A weak ETag stands for files that are as good as equal, not for equal bytes (RFC 9110, 13.1.5).
        return ("" if etag.startswith("W/") else etag) if etag else self._fingerprint.last_modified or ""

    def _is_continued_by(self, answer: requests.Response) -> bool:
        """Whether a partial answer begins where the last one broke off, in the same file."""
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if span is None or int(span[1]) != self._received:
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
        self._refuse_if_too_large(self._fingerprint.content_length or 0)
        watch.received(self._received)
        try:
            with self._part.open("ab" if self._received else "wb") as file:
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    self._stop_if_cancelled()
                    file.write(chunk)
                    self._received += len(chunk)
                    watch.received(self._received)
                    self._refuse_if_too_large(self._received)
                    self._progress(self._received, self._fingerprint.content_length)
        except requests.RequestException:
            raise
        except OSError as error:
            raise self._disk_error(error) from error
        if watch.reason:
            # A body without a length ends where the line does.
            raise self._too_slow(watch)

    def _refuse_if_too_large(self, amount: int) -> None:
        if amount > self._rules.largest_bytes:
            raise UnreadableFileError(
                f"{self._address}: expected a file of at most {self._rules.largest_bytes:,} bytes, but it has "
                f"{'' if amount == self._fingerprint.content_length else 'more than '}{amount:,}. "
                "Look at the publisher's page, and load the month again when the file is mended."
            )

    def _finish(self) -> Downloaded | None:
        expected = self._fingerprint.content_length
        if expected is not None and self._received != expected and not self._is_encoded:
            raise TransientError(f"the connection broke off after {self._amount()}")
        if not self._received:
            # So it looks, too, where the connection broke off within the answer's headers.
            raise TransientError("the answer was empty")
        fingerprint = self._fingerprint
        try:
            if not _has_marks(fingerprint):
                fingerprint = replace(
                    fingerprint, content_length=None, content_hash=self._rules.content_hash(self._part)
                )
                if self._known and self._known.content_hash == fingerprint.content_hash:
                    return None
            self._part.replace(self._path)
        except OSError as error:
            raise self._disk_error(error) from error
        return Downloaded(self._path, fingerprint, self._received)

    def _disk_error(self, error: OSError) -> DownloadError:
        folder, expected = self._path.parent, self._fingerprint.content_length
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return DownloadError(
                f"{self._address}: expected to write the file to {folder}, but got: {error.strerror or error}. "
                "Check the folder, then load the month again."
            )
        needed = f"{expected:,} bytes" if expected is not None else f"more than {self._received:,} bytes"
        self.discard()
        return DownloadError(
            f"{self._address}: expected room for {needed} in {folder}, but the disk is full: "
            f"{shutil.disk_usage(folder).free:,} bytes are free. Make room, then load the month again."
        )

    def _amount(self) -> str:
        """How much has come, in words; empty where nothing has."""
        if not self._received:
            # Of a body that broke off in its first chunk it is not known where.
            return "its first bytes" if self._part.exists() else ""
        expected = self._fingerprint.content_length
        return f"{self._received:,}" + (f" of {expected:,}" if expected is not None else "") + " bytes"

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError(f"{self._address}: the download was cancelled")


def _conditions(address: str, known: Fingerprint | None) -> dict[str, str]:
    """The request headers that make the publisher answer 304 where its file is the known one."""
    if known is None or known.url != without_secrets(address):
        return {}
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in conditions.items() if value}


def _has_marks(fingerprint: Fingerprint) -> bool:
    """Whether the publisher itself tells one state of the file from another."""
    return bool(fingerprint.etag or fingerprint.last_modified)


def _file_name(address: str) -> str:
    """The name that a file has on disk, whatever its address is."""
    try:
        name = Path(unquote(urlsplit(address).path)).name
    except ValueError:
        name = ""
    return "download" if name in ("", "..") or "\0" in name else name[-200:]
