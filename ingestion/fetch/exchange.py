"""Requests to one address: bounded in time, tried again where that can help, and failing in plain words.

Downloads, questions for headers and listings all go through here.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any, TypeVar

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.errors import DownloadError
from ingestion.fetch.failures import failed_request, hopeless_reason
from ingestion.fetch.retries import RetryPolicy, TransientError, with_retries
from ingestion.fetch.watch import HungUpError, Limits, Watch
from ingestion.fetch.watched_session import WatchedSession
from warehouse.secrets import without_secrets

T = TypeVar("T")


class Exchange:
    """What is asked of one address, in as many requests as it takes.

    `expected` says what is asked for, such as "the file". `again` says what a person can do after the last failure,
    such as "load the month again". An address may have a user and a password in it: they are sent to its host alone,
    and are in no message.
    """

    def __init__(
        self,
        address: str,
        expected: str,
        again: str,
        session: WatchedSession,
        policy: RetryPolicy,
        cancelled: threading.Event | None = None,
    ) -> None:
        self._asked_address = address
        self.address = without_secrets(address)
        self.expected = f"{self.address}: expected {expected}"
        self.again = again
        self._session = session
        self._policy = policy
        self._cancelled = cancelled or threading.Event()
        self._was_answered = False

    def with_retries(self, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it raises no TransientError, or the policy's patience is at an end.

        Raises:
            DownloadError: every attempt failed.
        """
        return with_retries(attempt, self.expected, self._policy, self._cancelled, again=self.again)

    @contextmanager
    def request(
        self, method: str, limits: Limits, *, received: Callable[[], str] = str, **options: Any
    ) -> Iterator[tuple[requests.Response, Watch]]:
        """Send one request and give its answer, whose body is read inside the context; what goes wrong there counts.

        `received` says how much of the body has come, in words, and nothing before its first byte. The other options
        are those of `requests`.

        Raises:
            TransientError: it failed for a reason that may pass.
            DownloadError: it failed for another reason, or not everything had come in time.
            CancelledError: nobody waits for it any longer.
        """
        self._stop_if_cancelled()
        timeouts = (self._policy.connect_timeout_seconds, self._policy.read_timeout_seconds)
        with Watch(self._session, limits, self._cancelled) as watch:
            try:
                with self._session.request(
                    method, self._asked_address, stream=True, timeout=timeouts, **options
                ) as answer:
                    self._was_answered = True
                    # Headers look whole, too, where the connection was ended between them.
                    watch.raise_if_hung_up()
                    yield answer, watch
            # requests lets errors of other libraries through where a redirect leads to no address.
            except (requests.RequestException, urllib3_errors.HTTPError, ValueError, HungUpError) as error:
                raise self._failure(error, watch, received()) from error

    def _failure(self, error: Exception, watch: Watch, received: str) -> Exception:
        """What ended a request, so that it is tried again where that can help."""
        self._stop_if_cancelled()
        if watch.reason:
            reason = watch.reason + (f", after {received}" if received else "")
            if not watch.is_too_late:
                return TransientError(reason, is_slow=True)
            return DownloadError(f"{self.expected}, but {reason}. {self.again.capitalize()} later.")
        failure = (
            failed_request(error, self._policy, received) if isinstance(error, requests.RequestException) else None
        )
        if failure is None:
            return DownloadError(
                f"{self.expected}, but {hopeless_reason(error)}. "
                "Check the publisher's base address, and where it redirects to."
            )
        # A host that has answered before is there: it deserves the whole patience.
        failure.is_unreachable = failure.is_unreachable and not self._was_answered
        return failure

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError(f"{self.address}: the download was cancelled")
