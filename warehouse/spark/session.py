"""Start Spark in this process, or find the session that it has."""

import atexit
import logging
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.spark.folder_lock import lock_folder
from warehouse.spark.java import HOME_VARIABLE, java_home
from warehouse.spark.settings import FOLDER_VARIABLE, LOG_FILE, MEMORY_VARIABLE, session_settings, spark_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SECONDS_TO_END = 30.0


@dataclass(frozen=True)
class _Running:
    """A session, the folder that it has, the file that keeps others from it, and the process of its Java."""

    session: "SparkSession"
    folder: Path
    lock: TextIO
    java: "subprocess.Popen[bytes]"


# Spark has one session a process, whichever thread asks for it.
_STARTING = threading.RLock()
_running: _Running | None = None


def spark_session(timeout_seconds: float | None = None) -> "SparkSession":
    """The session of this process, with its tables in `SPARK_FOLDER`; started if there is none, ended with the process.

    While another process has the folder, this one waits: for so long, by default `DUCKDB_LOCK_TIMEOUT_SECONDS`. What
    Spark and Java say goes into a file there, `spark.log`.

    Raises:
        NotThereYetError: Spark or Java is not installed.
        WarehouseBusyError: another process had the folder for longer than the lock timeout.
        WarehouseError: Spark does not start, or this process has a session with another folder.
    """
    global _running
    with _STARTING:
        folder = spark_folder()
        if _running is None:
            _running = _start(folder, timeout_seconds)
        if _running.folder != folder:
            raise WarehouseError(
                f"expected {FOLDER_VARIABLE} to stay {_running.folder} while Spark runs, but it is {folder} now. "
                "End the session first: warehouse.spark.session.end_session()"
            )
        return _running.session


def end_session() -> None:
    """End the session of this process, if it has one: its folder is free then, and another one can be started."""
    global _running
    with _STARTING:
        if _running is None:
            return
        try:
            _end(_running)
        finally:
            _running.lock.close()
            _running = None


def _start(folder: Path, timeout_seconds: float | None) -> _Running:
    try:
        from warehouse.spark.errors import SPARK_ERRORS, last_said
    except ImportError as error:
        raise NotThereYetError(f"expected pyspark, but it is not installed ({error}). Run: make spark-setup") from error
    home = java_home()
    folder.mkdir(parents=True, exist_ok=True)
    # It writes a page for every query that fails; whoever asked says what failed.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    lock = lock_folder(folder, timeout_seconds)
    try:
        session, java = _launch(session_settings(), home, lock, folder / LOG_FILE)
    except SPARK_ERRORS as error:
        lock.close()
        raise WarehouseError(
            f"expected Spark to start, but Java ended: {last_said(folder / LOG_FILE)}. "
            f"Is there the memory that {MEMORY_VARIABLE} says? All that it said is in {folder / LOG_FILE}."
        ) from error
    except BaseException:
        lock.close()
        raise
    # Python ends after this; see `_end`.
    atexit.register(end_session)
    return _Running(session, folder, lock, java)


def _launch(
    settings: Mapping[str, str], home: Path, lock: TextIO, log: Path
) -> tuple["SparkSession", "subprocess.Popen[bytes]"]:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    conf = SparkConf().setAll(list(settings.items()))
    with log.open("wb") as output, _with_java(home):
        # It has no types.
        launch: Any = launch_gateway
        gateway = launch(conf, {"stdout": output, "stderr": subprocess.STDOUT, "pass_fds": (lock.fileno(),)})
    context = SparkContext(conf=conf, gateway=gateway)
    return SparkSession(context), gateway.proc


@contextmanager
def _with_java(home: Path) -> Iterator[None]:
    """Tell the script that starts Java where it is, and nobody else."""
    if os.environ.get(HOME_VARIABLE):
        yield
        return
    os.environ[HOME_VARIABLE] = str(home)
    try:
        yield
    finally:
        del os.environ[HOME_VARIABLE]


def _end(running: _Running) -> None:
    """Stop Spark, wait for Java to end, and for the threads that spoke with it.

    A thread that is still there when Python ends keeps modules alive that DuckDB then calls leaked, on a page.
    """
    from py4j.clientserver import FinalizerWorker
    from pyspark import SparkContext

    from warehouse.spark.errors import SPARK_ERRORS

    gateway: Any = SparkContext._gateway
    SparkContext._gateway = SparkContext._jvm = None
    for stop in (running.session.stop, gateway.shutdown):
        # Java may have ended before.
        with suppress(*SPARK_ERRORS):
            stop()
    if running.java.stdin:
        running.java.stdin.close()
    try:
        running.java.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        running.java.kill()
        running.java.wait()
    for thread in threading.enumerate():
        if isinstance(thread, FinalizerWorker):
            thread.join(_SECONDS_TO_END)
