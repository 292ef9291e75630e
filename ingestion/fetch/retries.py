"""What may pass by itself when a publisher is asked, how often to ask again, and how long to wait before."""

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions as urllib3_errors
from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, wait_exponential, wait_random
from tenacity.nap import sleep_using_event

from ingestion.errors import DownloadError
from warehouse.secrets import scrubbed

logger = logging.getLogger(__name__)

T = TypeVar("T")


_REASON_CHARACTERS = 250


@dataclass(frozen=True)
class RetryPolicy:
    """How patient a download is.

    A host that cannot be reached at all is tried less often than one that answers badly: offline, every
    partition would otherwise wait in vain. Who asks for a longer pause than `longest_pause_seconds` is
    left alone.

    Timeouts are for silence. A publisher that is never silent for so long, and still sends next to nothing, is
    bounded, too: in how long an answer takes to begin (with all redirects), in how little may come within
    `slow_seconds`, and in how long the whole download takes. The slowest line that is served has 33 kbit/s, and a
    file of 500 MB needs 400 kbit/s.
    """

    attempts: int = 5
    attempts_if_unreachable: int = 3
    first_wait_seconds: float = 1
    longest_wait_seconds: float = 30
    jitter_seconds: float = 1
    longest_pause_seconds: float = 120
    connect_timeout_seconds: float = 10
    read_timeout_seconds: float = 60
    answer_seconds: float = 90
    slow_seconds: float = 60
    slow_bytes: int = 250_000
    attempts_if_slow: int = 2
    longest_download_seconds: float = 3 * 3600
    listing_seconds: float = 20


DEFAULT_POLICY = RetryPolicy()

# For questions: one is asked again soon, rather than waited for.
ASKING_POLICY = RetryPolicy(
    attempts=3,
    attempts_if_unreachable=2,
    first_wait_seconds=0.2,
    longest_wait_seconds=1,
    jitter_seconds=0.1,
    longest_pause_seconds=2,
    read_timeout_seconds=30,
)


class TransientError(Exception):
    """An attempt failed for a reason that may pass by itself; `reason` continues "expected the file, but"."""

    def __init__(
        self, reason: str, *, is_unreachable: bool = False, is_slow: bool = False, pause_seconds: float = 0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_unreachable = is_unreachable
        self.is_slow = is_slow
        self.pause_seconds = pause_seconds


def with_retries(
    attempt: Callable[[], T],
    expected: str,
    policy: RetryPolicy,
    cancelled: threading.Event,
    *,
    again: str = "load the month again",
) -> T:
    """Call `attempt` until it raises no TransientError or the policy's patience is at an end.

    `expected` opens the message of the last failure: the address and what was asked of it; `again` ends it with what
    to do then. Setting `cancelled` ends a wait at once.

    Raises:
        DownloadError: every attempt failed.
    """

    def wait_seconds(state: RetryCallState) -> float:
        backoff = wait_exponential(multiplier=policy.first_wait_seconds, max=policy.longest_wait_seconds)
        return max(backoff(state), _failure(state).pause_seconds) + wait_random(0, policy.jitter_seconds)(state)

    def is_spent(state: RetryCallState) -> bool:
        failure = _failure(state)
        attempts = policy.attempts
        if failure.is_unreachable:
            attempts = policy.attempts_if_unreachable
        elif failure.is_slow:
            attempts = policy.attempts_if_slow
        return state.attempt_number >= attempts or failure.pause_seconds > policy.longest_pause_seconds

    def log_wait(state: RetryCallState) -> None:
        logger.info("%s, but %s; trying again in %.1f seconds", expected, _failure(state), state.upcoming_sleep)

    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        wait=wait_seconds,
        stop=is_spent,
        sleep=sleep_using_event(cancelled),
        before_sleep=log_wait,
    )
    try:
        return retrying(attempt)
    except RetryError as error:
        failure, tries = error.last_attempt.exception(), error.last_attempt.attempt_number
        assert isinstance(failure, TransientError), "only these are retried"
        raise DownloadError(
            f"{expected}, but {failure.reason} (tried {tries} time{'s' if tries > 1 else ''}). "
            + (
                f"Check the network and the publisher's base address, then {again}."
                if failure.is_unreachable
                else f"{again.capitalize()} later."
            )
        ) from failure


def _failure(state: RetryCallState) -> TransientError:
    failure = state.outcome.exception() if state.outcome else None
    assert isinstance(failure, TransientError), "only these are retried"
    return failure


def failed_request(error: requests.RequestException, policy: RetryPolicy, received: str) -> TransientError | None:
    """Why a request failed, in plain words; None if asking again cannot help.

    `received` says how much of the file had come, and is empty before its first byte.
    """
    host = _host(error)
    causes = list(_causes(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(ssl.SSLCertVerificationError) or not isinstance(
        error,
        requests.ConnectionError
        | requests.Timeout
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError,
    ):
        return None
    if has(urllib3_errors.ProxyError):
        return TransientError("the proxy that is set for this machine does not let it through", is_unreachable=True)
    if has(urllib3_errors.NameResolutionError):
        return TransientError(f"the host name {host} cannot be resolved", is_unreachable=True)
    if has(ConnectionRefusedError):
        return TransientError(f"{host} refused the connection", is_unreachable=True)
    if has(urllib3_errors.NewConnectionError):
        return TransientError(f"{host} cannot be reached ({_system_reason(causes)})", is_unreachable=True)
    if has(urllib3_errors.ConnectTimeoutError):
        return TransientError(
            f"{host} could not be reached within {policy.connect_timeout_seconds:g} seconds", is_unreachable=True
        )
    if has(urllib3_errors.ReadTimeoutError):
        silence = f"{policy.read_timeout_seconds:g} seconds"
        return TransientError(
            f"nothing more came within {silence} after {received}" if received else f"nothing came within {silence}"
        )
    if has(urllib3_errors.DecodeError):
        return TransientError("the answer's compression is damaged")
    return TransientError(f"the connection broke off {f'after {received}' if received else 'before any of it came'}")


def hopeless_reason(error: Exception) -> str:
    """Why a request failed that would fail again."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {_host(error)} cannot be trusted ({cause.verify_message})"
    return f"it cannot be asked for ({scrubbed(str(error))[:_REASON_CHARACTERS]})"


def _host(error: BaseException) -> str:
    """The host that was asked: where a redirect led, that one."""
    request = getattr(error, "request", None)
    try:
        return urlsplit(request.url).hostname or "the publisher" if request else "the publisher"
    except ValueError:
        return "the publisher"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that are wrapped in it: requests wraps urllib3's, which wraps the system's."""
    pending, seen = [error], {id(error)}
    while pending:
        cause = pending.pop()
        yield cause
        for inner in (getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args):
            if isinstance(inner, BaseException) and id(inner) not in seen:
                seen.add(id(inner))
                pending.append(inner)


def _system_reason(causes: list[BaseException]) -> str:
    """What the operating system said, without what the libraries wrap around it."""
    reasons = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return str(reasons[-1]) if reasons else "no connection"
