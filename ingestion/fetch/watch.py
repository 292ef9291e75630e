"""Hanging up on a publisher that is too slow.

The timeouts of sockets are for silence between two bytes. They do not bound a line that never ends, a body of one byte
every few seconds, or one redirect after another. So a thread watches each request, and ends it when its time is over.
"""

import math
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from ingestion.fetch.watched_session import WatchedSession


@dataclass(frozen=True)
class Limits:
    """When to hang up.

    `until` is the time, as `time.monotonic` counts it, by which everything must be there; `too_late` says what was
    not. `answer_seconds` bounds the time until the body begins, with all redirects. Afterwards `slow_bytes` must come
    every `slow_seconds`.
    """

    until: float
    too_late: str
    answer_seconds: float = math.inf
    slow_seconds: float = math.inf
    slow_bytes: int = 0


class HungUpError(Exception):
    """The body ended because the watch ended it, or because nobody waits for it any longer."""


class Watch:
    """Watches one request. Use it as a context manager.

    `reason` says why it hung up, and continues "expected the file, but". `is_too_late` says that it was for `until`.
    """

    def __init__(self, session: WatchedSession, limits: Limits, cancelled: threading.Event) -> None:
        self._session = session
        self._limits = limits
        self._cancelled = cancelled
        self._received: int | None = None  # None until the body begins
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self.reason: str | None = None
        self.is_too_late = False

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def received(self, amount: int) -> None:
        """Say how much of the body has come. From the first call on it is the body that is watched.

        A body without a length looks whole where the connection was ended, so call this after the last piece, too.

        Raises:
            HungUpError: it was ended meanwhile.
        """
        self._received = amount
        self.raise_if_hung_up()

    def raise_if_hung_up(self) -> None:
        """Stop here if nothing more will come.

        Raises:
            HungUpError: the request was ended.
        """
        if self.reason or self._cancelled.is_set():
            raise HungUpError

    def _watch(self) -> None:
        limits = self._limits
        begun = window_begun = time.monotonic()
        pause = min(0.5, limits.answer_seconds / 10, limits.slow_seconds / 10, max(0.1, limits.until - begun) / 10)
        seen: int | None = None
        while not self._is_over.wait(pause):
            now, received = time.monotonic(), self._received
            if self._cancelled.is_set():
                return self._hang_up("it was cancelled")
            if now > limits.until:
                self.is_too_late = True
                return self._hang_up(limits.too_late)
            if received is None:
                if now - begun > limits.answer_seconds:
                    return self._hang_up(f"its answer had not begun within {limits.answer_seconds:g} seconds")
            elif seen is None:
                window_begun, seen = now, received
            elif now - window_begun > limits.slow_seconds:
                if received - seen < limits.slow_bytes:
                    return self._hang_up(
                        f"less than {limits.slow_bytes:,} bytes came within {limits.slow_seconds:g} seconds"
                    )
                window_begun, seen = now, received

    def _hang_up(self, reason: str) -> None:
        self.reason = reason
        self._session.hang_up()
