"""dlt's DuckDB destination, with one more way to load: partitions replaced, each in a transaction of its own.

dlt's own merge writes every row twice, to a staging table and from there to its table, and keeps the staging tables.
It also makes one transaction of a whole load. Here a load job of dlt's `model` format (a select that DuckDB runs) is
handed to the loader as an insert statement. The loader runs it once a partition, with the delete before it and the
checks after it in the same transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
from dlt.common.configuration import configspec
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import LoadJob, SqlModel
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.schema.typing import TSchemaTables
from dlt.common.storages import FileStorage
from dlt.destinations import duckdb as duckdb_destination
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.job_client_impl import ModelLoadJob


@dataclass(frozen=True)
class OpenTable:
    """A raw table during a run of dlt.

    `insert` is the SQL that inserts what the model selects, with dlt's columns. `add_new_columns` brings the table to
    dlt's schema, in the transaction that is open on `connection`.
    """

    name: str
    connection: duckdb.DuckDBPyConnection
    load_id: str
    insert: str
    add_new_columns: Callable[[], None]


@dataclass
class TableLoads:
    """What to do with each table of a run that has a model.

    `error` is what `load` raised. dlt never sees it: it would try the job again four times, a second after each.
    """

    load: Callable[[OpenTable], None]
    error: BaseException | None = field(default=None, init=False)


class _LoadPartitionsJob(ModelLoadJob):
    def __init__(self, file_path: str, loads: TableLoads) -> None:
        super().__init__(file_path)
        self._loads = loads

    def run(self) -> None:
        if self._loads.error is not None:
            return
        try:
            self._loads.load(self._open_table())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever ran dlt
            self._loads.error = error

    def _open_table(self) -> OpenTable:
        assert isinstance(self._job_client, _Client)
        client = self._job_client
        name = str(self._load_table["name"])
        with FileStorage.open_zipsafe_ro(self._file_path, "r", encoding="utf-8") as file:
            model = SqlModel.from_file(file_obj=file, fallback_dialect="duckdb")
        return OpenTable(
            name,
            client.sql_client.native_connection,
            self._load_id,
            self._insert_statement_from_select_statement(model.query_dialect, model.to_sql()),
            lambda: client.add_new_columns(name),
        )


class _Client(DuckDbClient):
    """dlt's client. Where partitions are loaded, new columns are left to the transactions of the partitions."""

    loads: TableLoads | None = None

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        if self.loads and ModelLoadJob.is_model_job(file_path):
            return _LoadPartitionsJob(file_path, self.loads)
        return super().create_load_job(table, file_path, load_id, restore)

    def update_stored_schema(
        self, only_tables: Any = None, expected_update: Any = None, force: bool = False
    ) -> TSchemaTables | None:
        """Left to the transaction of a partition that has new columns."""
        if self.loads:
            return {}
        return super().update_stored_schema(only_tables, expected_update, force)

    def add_new_columns(self, table: str) -> None:
        """Bring a table to dlt's schema, in the transaction that is open."""
        super().update_stored_schema([table])

    @contextmanager
    def maybe_ddl_transaction(self) -> Iterator[None]:
        if self.loads:
            yield
        else:
            with super().maybe_ddl_transaction():
                yield


@configspec(init=False)
class _Configuration(DuckDbClientConfiguration):
    """dlt's settings, which say where rows go without a URL: to write one dlt imports SQLAlchemy, for 0.1 s a load."""

    def __str__(self) -> str:
        return "an open connection to DuckDB"


def partition_destination(connection: duckdb.DuckDBPyConnection, loads: TableLoads | None = None) -> duckdb_destination:
    """A dlt destination on an open connection; with `loads`, models are loaded by them."""

    class Client(_Client):
        pass

    Client.loads = loads

    class Destination(duckdb_destination):
        spec: type[DuckDbClientConfiguration] = _Configuration
        _settings: DuckDbClientConfiguration | None = None

        @property
        def client_class(self) -> type[DuckDbClient]:
            return Client

        def capabilities(
            self, config: DuckDbClientConfiguration | None = None, naming: NamingConvention | None = None
        ) -> DestinationCapabilitiesContext:
            # dlt asks for this about 15 times a run, and looks all settings up in the environment each time.
            if config is None:
                self._settings = self._settings or self.configuration(self.spec(), accept_partial=True)
                config = self._settings
            return super().capabilities(config, naming)

    return Destination(connection)
