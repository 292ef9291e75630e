"""A bound on how long a question may take, whatever the publisher does with it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises, if it does so in time.

    The timeouts of a request start over with every byte, so that one who drips would never reach them. After the
    deadline the call is left to itself, in a thread that keeps no process from ending.

    Raises:
        TimeoutError: it took longer.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            outcome.set_exception(error)

    threading.Thread(target=run, name="question", daemon=True).start()
    return outcome.result(timeout=seconds)
