"""Open the DuckDB file: one process writes at a time, and others wait for it.

A reading connection can read the warehouse and nothing else, whatever SQL it is given: no files, no network, no
settings. A writing connection can read files, but never fetches or loads an extension. Its settings are not locked,
because dlt sets the time zone of its sessions.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from warehouse.ledger import is_outdated
from warehouse.paths import DATABASE_VARIABLE, database_path
from warehouse.sql import identifier, literal
from warehouse.waiting import waiting_for

logger = logging.getLogger(__name__)

T = TypeVar("T")

# One thread at a time sets and locks the settings of a file's connections.
_RESTRICTING = threading.Lock()

LOCK_TIMEOUT_VARIABLE = "DUCKDB_LOCK_TIMEOUT_SECONDS"
_DEFAULT_LOCK_TIMEOUT_SECONDS = 1800.0
# Who waits for the file looks at least so often whether it is free.
LONGEST_POLL_SECONDS = 2.2
MEMORY_LIMIT_VARIABLE = "DUCKDB_MEMORY_LIMIT"

# DuckDB must not fetch or load extensions, whatever SQL it is given.
_NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}

# For SQL that a person wrote: no files, no Python variables of this process, no settings.
_READS_ONLY = {
    **_NO_EXTENSIONS,
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}


class WarehouseError(Exception):
    """The DuckDB file cannot be used. The message says why and what to do."""


class NotThereYetError(WarehouseError):
    """There is nothing to read yet: nothing is loaded, built or published."""


class WarehouseBusyError(WarehouseError):
    """Another process, the `holder`, had the DuckDB file open for longer than the lock timeout."""

    def __init__(self, message: str, holder: str) -> None:
        super().__init__(message)
        self.holder = holder


class OutdatedDatabaseError(NotThereYetError):
    """An earlier version wrote the DuckDB file. Whoever opens it for writing brings it up to date."""


def _is_lock_conflict(error: BaseException) -> bool:
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)


def _holder(error: BaseException | None) -> str:
    """The process that holds the lock according to DuckDB's message, such as `python3 (PID 123)`."""
    match = re.search(r"held in (.+?) \(PID (\d+)\)", str(error))
    return f"{Path(match[1]).name} (PID {match[2]})" if match else "another process"


def _say_waiting(say: Callable[[str], None], state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome:
        say(f"{state.args[0]} is in use by {_holder(state.outcome.exception())}: waiting for it")


def open_for_writing(
    path: Path | None = None, timeout_seconds: float | None = None
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Open the DuckDB file for writing, creating it if there is none; closed when the `with` block ends.

    Without `path` it is the warehouse's file. While another process has it open, this one waits and says so in the log.
    It gives up after `timeout_seconds`, by default `DUCKDB_LOCK_TIMEOUT_SECONDS` (1,800).

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

    With a timeout of 0 it does not wait at all. Without `path` it is the warehouse's file.

    Raises:
        WarehouseBusyError: the file was still in use after the timeout.
        OutdatedDatabaseError: an earlier version wrote the file, and it was not opened for writing since.
        NotThereYetError: there is no such file.
        WarehouseError: it cannot be opened.
    """
    path = path or database_path()
    if not path.exists():
        raise NotThereYetError(
            f"{path}: expected a DuckDB file, but there is none. "
            "Load a month first: python ingestion/run_pipeline.py --year 2025 --months 1"
        )
    connection = _connect(path, read_only=True, timeout_seconds=timeout_seconds)
    if is_outdated(connection):
        connection.close()
        raise OutdatedDatabaseError(
            f"{path}: written by an earlier version of this project. Bring it up to date, which keeps everything: "
            "cd dbt && dbt build"
        )
    return closing(connection)


def open_restricted(path: Path, folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file for reading that nobody writes; its views may read files in a folder, and no others.

    Threads of a process may open the same file at the same time.

    Raises:
        duckdb.Error: the file cannot be opened.
        WarehouseError: a setting is not valid.
    """
    with _RESTRICTING:
        connection = duckdb.connect(str(path), read_only=True, config=_restricted_settings())
        # All connections of a process to a file share their settings, and these may be locked already.
        if connection.execute("select current_setting('lock_configuration')").fetchall() == [(False,)]:
            _restrict(connection, [folder])
    return connection


@contextmanager
def open_several_restricted(files: Mapping[str, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open several DuckDB files that nobody writes, each as the database of the given name, in one connection.

    As with `open_restricted`, it reads what is in the folders of these files, and no others.

    Raises:
        WarehouseError: a file cannot be opened, or a setting is not valid.
    """
    with closing(duckdb.connect(config=_restricted_settings())) as connection:
        for name, path in files.items():
            try:
                connection.execute(f"attach {literal(path)} as {identifier(name)} (read_only)")
            except duckdb.Error as error:
                raise WarehouseError(f"{path}: cannot be opened as a DuckDB file: {str(error)[:300]}") from error
        _restrict(connection, [path.parent for path in files.values()])
        yield connection


def _restricted_settings() -> dict[str, str | bool | int | float | list[str]]:
    return {
        **_NO_EXTENSIONS,
        **_memory_limit(),
        "python_enable_replacements": "false",
        # DuckDB would put what does not fit into memory beside the file, into a folder that must not change.
        "temp_directory": folder_for_spilling(),
    }


def _restrict(connection: duckdb.DuckDBPyConnection, folders: Iterable[Path]) -> None:
    """Let a connection read files in these folders, and no others."""
    # A release never changes, so its files need to be looked at only once. Not when opening: DuckDB does not know the
    # setting yet.
    connection.execute("set parquet_metadata_cache = true")
    # Not when opening: DuckDB takes the folders only while access is not yet restricted.
    connection.execute(f"set allowed_directories = [{', '.join(literal(f'{folder}/') for folder in folders)}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def folder_for_spilling() -> str:
    """Where readers of a release put what does not fit into memory: a folder of this process, gone when it ends."""
    return _temporary_folder().name


@cache
def _temporary_folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="nyc_readers_")


def open_in_memory() -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Start an empty DuckDB in memory that can read files but fetches no extension; closed after the `with` block."""
    return closing(connect_in_memory())


def connect_in_memory(threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """The same, for whoever closes it; with so many threads, by default one for each core."""
    return duckdb.connect(config={**_NO_EXTENSIONS, **({"threads": threads} if threads else {})})


def connect_when_free(
    path: Path,
    connect: Callable[[Path], T],
    *,
    timeout_seconds: float | None = None,
    say: Callable[[str], None] = logger.warning,
) -> T:
    """Call `connect` with the path of the DuckDB file as soon as no other process has it, and return its result.

    If it has to wait, `say` is called once with a message that names the other process.

    Raises:
        WarehouseBusyError: the file was still in use after the timeout.
        WarehouseError: the file cannot be opened for another reason, or a setting is not valid.
    """
    if "?" in str(path):
        # DuckDB reads what follows as the query of a URL, and puts its write-ahead log elsewhere.
        raise WarehouseError(f"{path}: expected a path without `?`. Set {DATABASE_VARIABLE} to one.")
    timeout = lock_timeout() if timeout_seconds is None else timeout_seconds
    retrying = Retrying(
        retry=retry_if_exception(_is_lock_conflict),
        stop=stop_after_delay(timeout),
        wait=wait_exponential_jitter(multiplier=0.1, max=LONGEST_POLL_SECONDS - 0.2, jitter=0.2),
        reraise=True,
    )
    waiting = ExitStack()

    def wait(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            waiting.enter_context(waiting_for(path))
        _say_waiting(say, state)

    retrying.before_sleep = wait
    try:
        with waiting:
            return retrying(connect, path)
    except duckdb.Error as error:
        if _is_lock_conflict(error):
            raise WarehouseBusyError(
                f"{path}: expected it to be free within {timeout:g} seconds, but {_holder(error)} still has it open. "
                f"Close that process, or wait for longer by setting {LOCK_TIMEOUT_VARIABLE}.",
                holder=_holder(error),
            ) from error
        if "No space left" in str(error):
            raise WarehouseError(f"{path}: its disk is full: {error}. Free some space, and run this again.") from error
        raise WarehouseError(
            f"{path}: cannot be opened as a DuckDB file: {error}. "
            f"Set {DATABASE_VARIABLE} to a DuckDB file, or to a path where one can be created."
        ) from error


def writer_settings() -> dict[str, str]:
    """The settings of a connection that writes.

    Raises:
        WarehouseError: `DUCKDB_MEMORY_LIMIT` is not an amount of memory.
    """
    return {**_NO_EXTENSIONS, **_memory_limit()}


def reader_settings() -> dict[str, str]:
    """The settings of a connection that only reads.

    Raises:
        WarehouseError: `DUCKDB_MEMORY_LIMIT` is not an amount of memory.
    """
    return {**_READS_ONLY, **_memory_limit()}


def limit_memory(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    """Limit a writer's memory to an amount such as `1500MB`, unless `DUCKDB_MEMORY_LIMIT` is set."""
    if not os.environ.get(MEMORY_LIMIT_VARIABLE):
        connection.execute("set memory_limit = $limit", {"limit": limit})


def _connect(path: Path, *, read_only: bool, timeout_seconds: float | None = None) -> duckdb.DuckDBPyConnection:
    return connect_when_free(path, partial(connect_file, read_only=read_only), timeout_seconds=timeout_seconds)


def connect_file(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file that nobody else has, such as a copy.

    Raises:
        duckdb.Error: it cannot be opened.
        WarehouseError: `DUCKDB_MEMORY_LIMIT` is not an amount of memory.
    """
    # Set everything when opening: locked settings cannot be changed later.
    settings = reader_settings() if read_only else writer_settings()
    return duckdb.connect(str(path), read_only=read_only, config={**settings})


def lock_timeout() -> float:
    """How many seconds to wait for what another process has: `DUCKDB_LOCK_TIMEOUT_SECONDS`.

    Raises:
        WarehouseError: the setting is not a number.
    """
    text = os.environ.get(LOCK_TIMEOUT_VARIABLE) or str(_DEFAULT_LOCK_TIMEOUT_SECONDS)
    try:
        return float(text)
    except ValueError as error:
        raise WarehouseError(f"expected {LOCK_TIMEOUT_VARIABLE} to be a number of seconds, but got {text!r}") from error


def _memory_limit() -> dict[str, str]:
    limit = os.environ.get(MEMORY_LIMIT_VARIABLE)
    if not limit:
        return {}
    try:
        with duckdb.connect(config={"memory_limit": limit}):
            return {"memory_limit": limit}
    except duckdb.Error as error:
        raise WarehouseError(
            f"expected {MEMORY_LIMIT_VARIABLE} to be an amount of memory such as 4GB, but got {limit!r}: {error}"
        ) from error
