"""How often to try again what failed for a reason that may pass, and how long to wait before."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, wait_exponential, wait_random
from tenacity.nap import sleep_using_event

from ingestion.errors import DownloadError

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How patient a download is.

    A host that cannot be reached at all is tried less often than one that answers badly: without a network, every
    partition would otherwise wait in vain. A publisher that asks for a longer pause than `longest_pause_seconds` is
    not asked again.

    Timeouts are for silence. A publisher that is never silent for that long and still sends next to nothing is bounded
    as well: in how long an answer takes to begin (with all redirects), in how little may come within `slow_seconds`,
    and in how long the whole download or listing takes. The slowest line that is served has 33 kbit/s; a file of
    500 MB needs 400 kbit/s.
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

# For questions. A person waits for the answers, and can ask again.
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
    """An attempt failed for a reason that may pass. `reason` continues "expected the file, but"."""

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
    again: str,
) -> T:
    """Call `attempt` until it raises no TransientError, or the policy's patience is at an end.

    The message of the last failure begins with `expected`, which says what was asked of which address, and ends with
    `again`, which says what to do. Setting `cancelled` ends a wait at once.

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
