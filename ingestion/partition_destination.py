"""dlt's DuckDB destination, with one more way to load: a partition replaced in one transaction.

dlt's own merge writes every row twice, to a staging table and from there to its table, and keeps the
staging tables. Here a load job of dlt's `model` format (a select that DuckDB runs) deletes the
partition, inserts the new rows and lets the caller check and record them, all in one transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.typing import TSchemaTables
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
        assert isinstance(self._job_client, _Client)
        client = self._job_client.sql_client
        name = str(self._load_table["name"])
        try:
            with client.begin_transaction():
                self._job_client.add_new_columns(name)
                client.execute_sql(
                    f"delete from {client.make_qualified_table_name(name)} where {self._replacement.scope}"
                )
                super().run()
                self._replacement.complete(client.native_connection, self._load_id)
        except Exception as error:
            self._replacement.error = error
            raise


class _Client(DuckDbClient):
    """dlt's client; with a replacement the table's new columns are there together with its rows, or not at all."""

    replacement: Replacement | None = None

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        if self.replacement and ModelLoadJob.is_model_job(file_path):
            return _ReplacePartitionJob(file_path, self.replacement)
        return super().create_load_job(table, file_path, load_id, restore)

    def update_stored_schema(
        self, only_tables: Any = None, expected_update: Any = None, force: bool = False
    ) -> TSchemaTables | None:
        """Left to the job's transaction where a partition is replaced."""
        if self.replacement:
            return {}
        return super().update_stored_schema(only_tables, expected_update, force)

    def add_new_columns(self, table: str) -> None:
        """Bring a table to dlt's schema, in the transaction that is open."""
        super().update_stored_schema([table])

    @contextmanager
    def maybe_ddl_transaction(self) -> Iterator[None]:
        if self.replacement:
            yield
        else:
            with super().maybe_ddl_transaction():
                yield


def partition_destination(
    connection: duckdb.DuckDBPyConnection, replacement: Replacement | None = None
) -> duckdb_destination:
    """A dlt destination on an open connection; with a replacement, models are loaded by it."""

    class Client(_Client):
        pass

    Client.replacement = replacement

    class Destination(duckdb_destination):
        @property
        def client_class(self) -> type[DuckDbClient]:
            return Client

    return Destination(connection)
