"""Sessions that threads take turns with, because a session is not safe for several threads at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingestion.fetch.watched_session import WatchedSession


class SessionPool:
    """Sessions that are not in use. There are as many as were ever in use at the same time. `open_one` opens one."""

    def __init__(self, open_one: Callable[[], WatchedSession] = WatchedSession) -> None:
        self._open_one = open_one
        self._idle: list[WatchedSession] = []
        self._lock = threading.Lock()

    @contextmanager
    def borrowed(self) -> Iterator[WatchedSession]:
        """A session for this thread alone. After an error it is closed instead of used again."""
        with self._lock:
            session = self._idle.pop() if self._idle else self._open_one()
        try:
            yield session
        except BaseException:
            session.close()
            raise
        # One file's answer must not change how the next file is asked for.
        session.cookies.clear()
        with self._lock:
            self._idle.append(session)

    def close(self) -> None:
        """Close the idle sessions."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()
