"""The DuckDB warehouse as a data source of Great Expectations.

GX through DuckDB's SQLAlchemy dialect fails with "list index out of range", because it closes the connection before it
fetches. Here results are fetched while the connection is open. GX would also open the file by itself, without waiting
for another process. Here it gets a connection that is already open.
"""

import atexit
import sys
from typing import Any, ClassVar, Literal

import duckdb
import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.pool import StaticPool


@atexit.register
def _free_the_dialect() -> None:
    """Frees the dialect's modules, which GX keeps alive: otherwise DuckDB prints a page about leaked references."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "duckdb_engine":
            vars(module).clear()


class LentConnection(ConnectionWrapper):
    """A connection that stays open when GX closes it."""

    def close(self) -> None:
        """Do nothing: whoever opened the connection closes it."""


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Fetches the rows of a query before its connection is closed."""

    def execute_query(self, query: Any) -> Any:
        """The query's rows, to be read as often as needed."""
        with self.get_connection() as connection:
            return self._execute_query_with_recovery(connection, query).freeze()()


class DuckDBDatasource(SQLDatasource):
    """An open DuckDB connection. GX copies data sources, so the connection is found by the source's name."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

    engines: ClassVar[dict[str, sa.Engine]] = {}

    def get_engine(self) -> sa.Engine:
        """The engine on the open connection."""
        return self.engines[self.name]

    def get_execution_engine(self) -> DuckDBExecutionEngine:
        """What runs the queries of GX on the open connection, views as views and not copied into tables."""
        return DuckDBExecutionEngine(engine=self.get_engine(), create_temp_table=False)


def add_warehouse(context: EphemeralDataContext, connection: duckdb.DuckDBPyConnection) -> DuckDBDatasource:
    """Make the open connection a data source of the context."""
    name = "warehouse"
    engine = sa.create_engine("duckdb://", creator=lambda: LentConnection(connection), poolclass=StaticPool)
    DuckDBDatasource.engines[name] = engine
    datasource = context.data_sources.add_duckdb(name=name, connection_string="duckdb://")
    assert isinstance(datasource, DuckDBDatasource)
    return datasource
