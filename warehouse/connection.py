"""Opening the DuckDB file: one process writes at a time, and a second one waits its turn."""

import logging
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import duckdb
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from warehouse.paths import DATABASE_VARIABLE, database_path

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_VARIABLE = "DUCKDB_LOCK_TIMEOUT_SECONDS"
_DEFAULT_LOCK_TIMEOUT_SECONDS = 1800.0
MEMORY_LIMIT_VARIABLE = "DUCKDB_MEMORY_LIMIT"


class WarehouseError(Exception):
    """The DuckDB file cannot be used; the message says why and what to do."""


class WarehouseBusyError(WarehouseError):
    """Another process, the `holder`, kept the DuckDB file open for longer than the lock timeout."""

    def __init__(self, message: str, holder: str) -> None:
        super().__init__(message)
        self.holder = holder


def _is_lock_conflict(error: BaseException) -> bool:
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)


def _holder(error: BaseException | None) -> str:
    """The process that DuckDB's message names as holding the lock, as `python3 (PID 123)`."""
    match = re.search(r"held in (.+?) \(PID (\d+)\)", str(error))
    return f"{Path(match[1]).name} (PID {match[2]})" if match else "another process"


def _say_waiting(say: Callable[[str], None], state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome:
        say(f"{state.args[0]} is in use by {_holder(state.outcome.exception())}: waiting for it")


def open_for_writing(
    path: Path | None = None, timeout_seconds: float | None = None
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Open the DuckDB file for writing, creating it if there is none; closed when the `with` block ends.

    Without `path` it is the warehouse's. DuckDB allows one process at a time. While another has the
    file this one waits, says so in the log, and gives up after `timeout_seconds`, by default
    `DUCKDB_LOCK_TIMEOUT_SECONDS` (1,800).

    Raises:
        WarehouseBusyError: the file was still in use after the timeout.
        WarehouseError: the file cannot be opened for another reason.
    """
    path = path or database_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseError(
            f"{path}: cannot be created: {error}. Set {DATABASE_VARIABLE} to a path that can."
        ) from error
    return closing(_connect(path, read_only=False, timeout_seconds=timeout_seconds))


def open_for_reading(
    timeout_seconds: float | None = None, path: Path | None = None
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Open the DuckDB file for reading, beside other readers; waits for a writer as `open_for_writing` does.

    With `timeout_seconds` it gives up after so long; with 0 it does not wait at all. Without `path` it is the
    warehouse's file.

    Raises:
        WarehouseBusyError: the file was still in use after the timeout.
        WarehouseError: there is no such file, or it cannot be opened.
    """
    path = path or database_path()
    if not path.exists():
        raise WarehouseError(
            f"{path}: expected a DuckDB file, but there is none. "
            "Load a month first: python ingestion/run_pipeline.py --year 2025 --months 1"
        )
    return closing(_connect(path, read_only=True, timeout_seconds=timeout_seconds))


def wait_until_free(path: Path, say: Callable[[str], None] = logger.warning) -> None:
    """Wait until no other process has the DuckDB file open, for writers that open it themselves.

    `say` is told once for whom, where there is somebody to wait for.

    Raises:
        WarehouseBusyError: the file was still in use after the timeout.
        WarehouseError: the file cannot be opened for another reason.
    """
    _connect(path, read_only=False, say=say).close()


def _connect(
    path: Path,
    *,
    read_only: bool,
    timeout_seconds: float | None = None,
    say: Callable[[str], None] = logger.warning,
) -> duckdb.DuckDBPyConnection:
    timeout = timeout_seconds
    if timeout is None:
        timeout = float(os.environ.get(LOCK_TIMEOUT_VARIABLE, _DEFAULT_LOCK_TIMEOUT_SECONDS))
    retrying = Retrying(
        retry=retry_if_exception(_is_lock_conflict),
        stop=stop_after_delay(timeout),
        wait=wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.2),
        before_sleep=partial(_say_waiting, say),
        reraise=True,
    )
    try:
        connection: duckdb.DuckDBPyConnection = retrying(duckdb.connect, str(path), read_only=read_only)
    except duckdb.Error as error:
        if _is_lock_conflict(error):
            raise WarehouseBusyError(
                f"{path}: expected to be free within {timeout:.0f} seconds, but {_holder(error)} still has it open. "
                f"Close that process, or wait for longer by setting {LOCK_TIMEOUT_VARIABLE}.",
                holder=_holder(error),
            ) from error
        raise WarehouseError(
            f"{path}: cannot be opened as a DuckDB file: {error}. "
            f"Set {DATABASE_VARIABLE} to a file that is one, or is not there yet, and may be written."
        ) from error
    return _with_memory_limit(connection)


def limit_memory(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    """Have DuckDB keep at most so much in memory (`1500MB`), unless `DUCKDB_MEMORY_LIMIT` says how much."""
    if not os.environ.get(MEMORY_LIMIT_VARIABLE):
        connection.execute("set memory_limit = $limit", {"limit": limit})


def _with_memory_limit(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    limit = os.environ.get(MEMORY_LIMIT_VARIABLE)
    if limit:
        try:
            connection.execute("set memory_limit = $limit", {"limit": limit})
        except duckdb.Error as error:
            connection.close()
            raise WarehouseError(
                f"expected {MEMORY_LIMIT_VARIABLE} to be an amount of memory such as 4GB, but got {limit!r}: {error}"
            ) from error
    return connection
