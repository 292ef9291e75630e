"""One process at a time has Spark's folder, because Derby's catalog knows no other way. Others wait for it."""

import fcntl
import logging
import os
import sys
from pathlib import Path
from typing import TextIO

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from warehouse.connection import LOCK_TIMEOUT_VARIABLE, LONGEST_POLL_SECONDS, WarehouseBusyError, lock_timeout

logger = logging.getLogger(__name__)


def lock_folder(folder: Path, timeout_seconds: float | None = None) -> TextIO:
    """Wait until no other process has the folder, and keep it until the returned file is closed by all who have it.

    Spark's Java gets the file, too: it may live for a moment longer than the process that started it. The operating
    system frees the folder however they end. Who waits says so in the log, and gives up after
    `timeout_seconds`, by default `DUCKDB_LOCK_TIMEOUT_SECONDS`.

    Raises:
        WarehouseBusyError: the folder was still in use after the timeout.
    """
    timeout = lock_timeout() if timeout_seconds is None else timeout_seconds
    file = (folder / ".lock").open("a+")

    def say(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            logger.warning("%s is in use by %s: waiting for it", folder, _holder(file))

    retrying = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        stop=stop_after_delay(timeout),
        wait=wait_exponential_jitter(multiplier=0.1, max=LONGEST_POLL_SECONDS - 0.2, jitter=0.2),
        before_sleep=say,
        reraise=True,
    )
    try:
        retrying(fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = _holder(file)
        file.close()
        raise WarehouseBusyError(
            f"{folder}: expected it to be free within {timeout:g} seconds, but {holder} still has it open. "
            f"Close that process, or wait for longer by setting {LOCK_TIMEOUT_VARIABLE}.",
            holder=holder,
        ) from error
    file.truncate(0)
    file.write(f"{Path(sys.executable).name} (PID {os.getpid()})")
    file.flush()
    return file


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read().strip() or "another process"
