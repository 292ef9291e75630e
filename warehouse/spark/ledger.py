"""What dbt on Spark reads and writes of the ledger, which stays in the DuckDB file.

The file is open from the first use to the end of the run, as it is for dbt on DuckDB: there is one writer.
"""

import shutil
import threading
import uuid
from contextlib import ExitStack
from pathlib import Path

import duckdb

from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger
from warehouse.sql import literal

# What was loaded, by DuckDB's ledger; what Spark built of it, by a table of its own.
_WATERMARKS = """
    select * from meta.asset_watermarks where source_url is not null
    union all by name
    select * from meta.spark_watermarks
"""


_TABLE = "meta.spark_watermarks"


class SparkLedger:
    """The ledger, for one run of dbt. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._connection: duckdb.DuckDBPyConnection | None = None
        # No two runs have a file of one name: Spark may remember what it read of the first.
        self._name = uuid.uuid4().hex[:8]
        self._version = 0
        self._written: Path | None = None

    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open file. Hold `lock` while using it."""
        with self._lock:
            if self._connection is None:
                self._connection = self._stack.enter_context(open_for_writing())
                Ledger(self._connection)
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder.mkdir(parents=True)
            return self._connection

    @property
    def lock(self) -> threading.RLock:
        """What a thread holds while it uses the connection."""
        return self._lock

    def write(self, sql: str) -> None:
        """Execute statements in one transaction."""
        with self._lock:
            connection = self.connection()
            connection.begin()
            try:
                connection.execute(sql)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
            if _TABLE in sql:
                self._written = None

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """The rows that a query of the ledger gives."""
        with self._lock:
            return self.connection().execute(sql).fetchall()

    def watermarks_file(self) -> Path:
        """A Parquet file with all watermarks as they are now. A file is never changed, so queries that run go on."""
        with self._lock:
            if self._written is None:
                connection = self.connection()
                self._version += 1
                file = self._folder / f"asset_watermarks_{self._name}_{self._version:06}.parquet"
                connection.execute(f"copy ({_WATERMARKS}) to {literal(file)} (format parquet)")
                self._written = file
            return self._written

    def close(self) -> None:
        """Let others have the file."""
        with self._lock:
            self._stack.close()
            self._connection = None
            self._written = None
