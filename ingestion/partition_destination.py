"""dlt's DuckDB destination, with one more way to load: a partition replaced in one transaction.

dlt's own merge writes every row twice, to a staging table and from there to its table, and keeps the
staging tables. Here a load job of dlt's `model` format (a select that DuckDB runs) deletes the
partition, inserts the new rows and lets the caller check and record them, all in one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.destinations import duckdb as duckdb_destination
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.job_client_impl import ModelLoadJob


@dataclass
class Replacement:
    """What to do in the transaction that loads a partition.

    `scope` is the SQL condition of the rows to delete from the table. `complete` is called with the
    open transaction and dlt's load id after the new rows are in; what it raises undoes everything.
    `error` is what went wrong, if something did: dlt wraps it past recognition.
    """

    scope: str
    complete: Callable[[duckdb.DuckDBPyConnection, str], None]
    error: Exception | None = field(default=None, init=False)


class _ReplacePartitionJob(ModelLoadJob):
    def __init__(self, file_path: str, replacement: Replacement) -> None:
        super().__init__(file_path)
        self._replacement = replacement

    def run(self) -> None:
        client = self._job_client.sql_client
        table = client.make_qualified_table_name(str(self._load_table["name"]))
        try:
            with client.begin_transaction():
                client.execute_sql(f"delete from {table} where {self._replacement.scope}")
                super().run()
                self._replacement.complete(client.native_connection, self._load_id)
        except Exception as error:
            self._replacement.error = error
            raise


def partition_destination(
    connection: duckdb.DuckDBPyConnection, replacement: Replacement | None = None
) -> duckdb_destination:
    """A dlt destination on an open connection; with a replacement, models are loaded by it."""

    class Client(DuckDbClient):
        def create_load_job(
            self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
        ) -> LoadJob:
            if replacement and ModelLoadJob.is_model_job(file_path):
                return _ReplacePartitionJob(file_path, replacement)
            return super().create_load_job(table, file_path, load_id, restore)

    class Destination(duckdb_destination):
        @property
        def client_class(self) -> type[DuckDbClient]:
            return Client

    return Destination(connection)
