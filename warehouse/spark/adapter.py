"""dbt-spark with a session of ours, and with the ledger in the DuckDB file. dbt finds it in `dbt/adapters`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbt.adapters.base.meta import available
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.spark.connections import SparkConnectionManager, SparkConnectionMethod, SparkCredentials
from dbt.adapters.spark.impl import SparkAdapter
from dbt.adapters.spark.session import SessionConnectionWrapper
from dbt_common.exceptions import DbtRuntimeError
from pyspark.sql import DataFrame, Row

from warehouse.connection import WarehouseError
from warehouse.dbt_contexts import make_contexts_for_less
from warehouse.spark.errors import SPARK_ERRORS, in_words
from warehouse.spark.ledger import SparkLedger
from warehouse.spark.raw_tables import Spark, bring_raw_tables, raw_table
from warehouse.spark.session import spark_session
from warehouse.spark.settings import LOG_FILE, SQL_SETTINGS, spark_folder

# Without an underscore: dbt makes a class name of it and back again.
TYPE = "lakehouse"
_OF_A_SESSION = "set:hiveconf:"

make_contexts_for_less()


@dataclass
class LakehouseCredentials(SparkCredentials):
    """Those of dbt-spark; a server is told how the models take SQL."""

    server_side_parameters: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server_side_parameters = {**SQL_SETTINGS, **self.server_side_parameters}
        super().__post_init__()
        if self.method == SparkConnectionMethod.THRIFT:
            # Spark's server leaves out what has no such prefix.
            self.server_side_parameters = {
                f"{_OF_A_SESSION}{name}": value for name, value in self.server_side_parameters.items()
            }

    @property
    def type(self) -> str:
        return TYPE


@contextmanager
def _in_words(kind: type[Exception]) -> Iterator[None]:
    """Raise what Spark says as this kind of error: dbt prints it whole."""
    try:
        yield
    except SPARK_ERRORS as error:
        raise kind(in_words(error, spark_folder() / LOG_FILE)) from error


class _Cursor:
    """What dbt-spark asks of a cursor, on the session of this process."""

    def __init__(self) -> None:
        self._frame: DataFrame | None = None
        self._rows: list[Row] | None = None

    @property
    def description(self) -> list[tuple[Any, ...]]:
        if self._frame is None:
            return []
        return [
            (field.name, field.dataType.simpleString(), None, None, None, None, field.nullable)
            for field in self._frame.schema.fields
        ]

    def execute(self, sql: str, *parameters: object) -> None:
        # dbt-spark makes dbt's error of it.
        with _in_words(WarehouseError):
            self._frame = spark_session().sql(sql, args=list(parameters) or None)

    def fetchall(self) -> list[Row] | None:
        if self._rows is None and self._frame is not None:
            with _in_words(DbtRuntimeError):
                self._rows = self._frame.collect()
        return self._rows

    def fetchone(self) -> Row | None:
        rows = self.fetchall()
        return rows.pop(0) if rows else None

    def close(self) -> None:
        self._frame = self._rows = None


class _Handle:
    def cursor(self) -> _Cursor:
        return _Cursor()


class LakehouseConnections(SparkConnectionManager):
    """Connections of dbt-spark; with the method session, to the session that `warehouse.spark.session` starts."""

    TYPE = TYPE

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        if connection.state == ConnectionState.OPEN or connection.credentials.method != SparkConnectionMethod.SESSION:
            return super().open(connection)
        spark_session()
        # Of a connection, dbt-spark asks for a cursor alone.
        handle: Any = _Handle()
        connection.handle = SessionConnectionWrapper(handle)
        connection.state = ConnectionState.OPEN
        return connection


class LakehouseAdapter(SparkAdapter):
    """dbt-spark, and what macros ask of the ledger."""

    ConnectionManager = LakehouseConnections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ledger = SparkLedger(spark_folder() / "ledger")
        self._shown: Path | None = None

    @available.parse_none
    def write_ledger(self, statements: str, is_shown: bool = True) -> None:
        """Execute statements on the ledger, in one transaction; queries that begin afterwards see its watermarks.

        Without `is_shown` they see those of before until the next call: it is for a model that writes them again as
        soon as it is built, before anything reads it.
        """
        # Held until the view is made, so that none with older watermarks comes after it.
        with self._ledger.lock:
            self._ledger.write(statements)
            if is_shown:
                self._show_watermarks()

    @available.parse_list
    def query_ledger(self, query: str) -> list[tuple[object, ...]]:
        """The rows that a query of the ledger gives."""
        return self._ledger.query(query)

    @available.parse(lambda *_, **__: "")
    def bring_raw_tables(self, tables: list[dict[str, Any]]) -> str:
        """Have Spark find the tables as the DuckDB file has them; see `warehouse.spark.raw_tables`."""
        spark = Spark(execute=self._send, query=self._rows)
        try:
            return bring_raw_tables(self._ledger, spark, [raw_table(table) for table in tables])
        except WarehouseError as error:
            raise DbtRuntimeError(str(error)) from error

    @available.parse_none
    def drop_relation(self, relation: BaseRelation) -> None:
        """Drop a table or view, if dbt has seen one of that name: to ask Hive for one takes as long as a small query.

        dbt-spark drops whatever it is about to make.
        """
        if self.get_relation(relation.database or "", relation.schema or "", relation.identifier or ""):
            # It has no types.
            drop: Any = super().drop_relation
            drop(relation)

    def _send(self, sql: str) -> None:
        self.execute(sql)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        _, found = self.execute(sql, fetch=True)
        return [tuple(row) for row in found.rows]

    def cleanup_connections(self) -> None:
        super().cleanup_connections()
        self._ledger.close()

    def _show_watermarks(self) -> None:
        """Have Spark read the watermarks as they are now, under the name that they have in DuckDB."""
        file = self._ledger.watermarks_file()
        if file == self._shown:
            return
        query = f"select * from parquet.`{file}`"
        if self._shown:
            # At once, unlike `create or replace`: other threads read it meanwhile.
            self.execute(f"alter view meta.asset_watermarks as {query}")
        else:
            self.execute("create schema if not exists meta")
            self.execute(f"create or replace view meta.asset_watermarks as {query}")
        self._shown = file
