"""Runs of dlt over one open connection: each a pipeline of its own, whose files may be thrown away."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.schema.typing import TColumnSchema
from dlt.common.schema.utils import dlt_load_id_column, new_table, pipeline_state_table
from dlt.extract import DltResource

from ingestion.feeds import Column, ColumnType
from ingestion.held_signals import HeldSignals
from ingestion.partition_destination import OpenTable, TableLoads, partition_destination
from ingestion.raw_data import RAW_SCHEMA, existing_tables
from warehouse.sql import identifier

_DLT_TYPES: dict[ColumnType, TColumnSchema] = {
    ColumnType.INTEGER: {"data_type": "bigint", "precision": 32},
    ColumnType.BIGINT: {"data_type": "bigint"},
    ColumnType.DOUBLE: {"data_type": "double"},
    ColumnType.VARCHAR: {"data_type": "text"},
    # Without this dlt takes zoneless timestamps for UTC, and New York's wall clock is lost.
    ColumnType.TIMESTAMP: {"data_type": "timestamp", "timezone": False},
    ColumnType.DATE: {"data_type": "date"},
}

# dlt's schema has its name, too.
_PIPELINE = "ingestion"

# What dlt's models select from: a view of the partition that is being loaded.
INCOMING = "temp.partition_rows"


def _hints(columns: Sequence[Column]) -> list[TColumnSchema]:
    """Columns as dlt describes them."""
    return [{"name": column.name, "nullable": True, **_DLT_TYPES[column.type]} for column in columns]


class DltRuns:
    """Runs dlt over a connection. `folder` holds dlt's files."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def model(self, table: str, columns: Sequence[Column], source: str = INCOMING) -> DltResource:
        """A select as dlt takes it: a file of its `model` format."""
        path = self._folder / f"{table}.model"
        names = ", ".join(identifier(column.name) for column in columns)
        path.write_text(f"dialect: duckdb\nselect {names} from {source}\n")

        def selected() -> Iterator[Any]:
            yield dlt.mark.with_file_import(str(path), "model")

        resource: DltResource = dlt.resource(
            selected(), name=table, columns=_hints(columns), write_disposition="append", file_format="model"
        )
        return resource

    def create_tables(self, tables: Mapping[str, Sequence[Column]]) -> None:
        """Have dlt create raw tables that are not there, and its own.

        Without a load: one that writes no row takes dlt as long as any other, for each table.
        """
        destination = partition_destination(self._connection)
        settings = destination.spec()._bind_dataset_name(RAW_SCHEMA)
        schema = dlt.Schema(_PIPELINE)
        with destination.client(schema, settings) as client:
            client.initialize_storage()
            known = client.get_stored_schema(_PIPELINE) if "_dlt_version" in existing_tables(self._connection) else None
        if known:
            schema = dlt.Schema.from_stored_schema(json.loads(known.schema))
        for table in (
            pipeline_state_table(add_dlt_id=True),
            *(
                new_table(
                    name,
                    write_disposition="append",
                    columns=[*_hints(columns), dlt_load_id_column()],
                    resource=name,
                    file_format="model",
                )
                for name, columns in tables.items()
            ),
        ):
            # As in those that dlt has loaded into.
            table["x-normalizer"] = {"seen-data": True}
            schema.update_table(table)
        # Its tables are those that dlt made above: to look at each of their columns takes longer than the rest.
        schema = dlt.Schema.from_dict(dict(schema.to_dict()), validate_schema=False)
        with destination.client(schema, settings) as client:
            client.update_stored_schema()

    def run(self, resources: list[DltResource], load: Callable[[OpenTable], None]) -> None:
        """Run dlt once: `load` loads into each of the tables.

        Each run has a pipeline folder of its own, so that nothing of a run that broke off is ever loaded by the next;
        what dlt must remember it restores from the database.
        """
        dlt.config["normalize.model_normalizer.add_dlt_load_id"] = True
        dlt.config["runtime.dlthub_telemetry"] = False
        # In this thread, one job after the other.
        dlt.config["load.workers"] = 1
        # dlt would forget a signal that came during the last job.
        dlt.config["runtime.intercept_signals"] = False
        signals = HeldSignals()

        def load_letting_signals_through(table: OpenTable) -> None:
            with signals.let_through(self._connection, table.connection):
                load(table)

        loads = TableLoads(load_letting_signals_through)
        pipeline = dlt.pipeline(
            _PIPELINE,
            pipelines_dir=str(self._folder / "dlt"),
            destination=partition_destination(self._connection, loads),
            dataset_name=RAW_SCHEMA,
        )
        # What fails is raised, and said once: not by dlt as well.
        logging.getLogger("dlt").setLevel(logging.CRITICAL)
        with signals:
            try:
                pipeline.run(resources).raise_on_failed_jobs()
            finally:
                pipeline.drop()
        if loads.error is not None:
            raise loads.error
