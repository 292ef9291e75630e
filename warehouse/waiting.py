"""Who waits for the DuckDB file, so that a stream, which opens it again and again, lets others have it.

Who waits holds a lock on a file beside it, which the operating system frees however the process ends.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.waiting")


@contextmanager
def waiting_for(path: Path) -> Iterator[None]:
    """Be known to wait for a DuckDB file until the `with` block ends."""
    try:
        marker = _marker(path).open("a")
    except OSError:  # a folder that must not be written
        yield
        return
    with marker:
        # Shared: many may wait. Who looks whether somebody does has it for a moment only.
        fcntl.flock(marker, fcntl.LOCK_SH)
        yield


def is_waited_for(path: Path) -> bool:
    """Whether another process waits for a DuckDB file."""
    try:
        with _marker(path).open("a") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
