"""Ctrl-C and SIGTERM while dlt works.

dlt swallows what is raised in a load job in the main thread, and then waits for that job for ever. Its own way to catch
signals forgets one that comes during the last job. So signals wait until dlt's code is left.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

import duckdb

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class HeldSignals:
    """Holds signals back until the `with` block ends, but for the code that lets them through.

    In another thread than the main one it does nothing: Python interrupts the main thread alone.
    """

    def __init__(self) -> None:
        self._handlers: dict[signal.Signals, signal._HANDLER] = {}
        self._received: int | None = None
        self._is_open = False
        self._connections: tuple[duckdb.DuckDBPyConnection, ...] = ()

    def __enter__(self) -> "HeldSignals":
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._received is not None:
            # Also where it was let through: DuckDB raises a RuntimeError in place of what the handler raised.
            signal.raise_signal(self._received)

    @contextmanager
    def let_through(self, *connections: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Handle signals at once in this block, and what came before it. They end the statements of the connections.

        Raises:
            KeyboardInterrupt: a signal came; or what else the handlers of the process raise.
        """
        self._is_open, self._connections = True, connections
        try:
            if self._received is not None:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_open = False

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = number
        handler = self._handlers[signal.Signals(number)]
        if not self._is_open:
            return
        for connection in self._connections:
            # Without this DuckDB waits for its other threads, which go on.
            connection.interrupt()
        if callable(handler):
            handler(number, frame)
