"""The tables that dbt has built on Spark, for readers. Spark itself is imported on first use."""

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.spark.session import spark_session
from warehouse.spark.settings import LOG_FILE, spark_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# For readers a text that says no number is an error, as on DuckDB; and nothing in SQL is a variable of Java's.
_FOR_READERS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_NOT_BUILT = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")
# By the standard's classes of errors: of data, and of syntax or access.
_ERRORS_OF_SQL = ("22", "42")

_STARTING = threading.Lock()


class SparkError(WarehouseError):
    """Spark cannot answer. The message says why."""


class BadSparkSqlError(SparkError):
    """Spark refuses the SQL, whatever is built."""


@dataclass(frozen=True)
class SparkTables:
    """What dbt has built on Spark, in the catalog of this process's session. `str()` says in a line what it is."""

    def query(self, sql: str) -> pa.Table:
        """The answer to a query; from any thread.

        Raises:
            NotThereYetError: Spark or Java is not installed, or a table is not built.
            WarehouseBusyError: another process had Spark's folder for longer than the lock timeout.
            BadSparkSqlError: the SQL is not valid, or divides by zero or the like.
            SparkError: Spark fails.
        """
        session = _session_of_readers()
        from warehouse.spark.errors import SPARK_ERRORS

        try:
            answer: pa.Table = session.sql(sql).toArrow()
        except SPARK_ERRORS as error:
            raise _in_words(error) from error
        return answer

    def __str__(self) -> str:
        return f"Spark's tables in {spark_folder()}"


def _session_of_readers() -> "SparkSession":
    """A session with settings of its own, beside the one that builds."""
    with _STARTING:
        return _beside(spark_session())


@lru_cache(maxsize=1)
def _beside(building: "SparkSession") -> "SparkSession":
    session = building.newSession()
    for name, value in _FOR_READERS.items():
        session.conf.set(name, value)
    return session


def _in_words(error: Exception) -> WarehouseError:
    from pyspark.errors import PySparkException

    from warehouse.spark.errors import in_words

    folder = spark_folder()
    if not isinstance(error, PySparkException):
        return SparkError(in_words(error, folder / LOG_FILE))
    said = str(error).partition("\n")[0]
    if error.getCondition() in _NOT_BUILT:
        return NotThereYetError(
            f"{folder}: expected the tables of these metrics in Spark's catalog, but they are not all built: {said} "
            "Build them: cd dbt && dbt build --target spark"
        )
    kind = BadSparkSqlError if (error.getSqlState() or "").startswith(_ERRORS_OF_SQL) else SparkError
    return kind(said)
