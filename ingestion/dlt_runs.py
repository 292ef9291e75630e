"""Runs of dlt over one open connection: each a pipeline of its own, whose files may be thrown away."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from ingestion.feeds import Column, ColumnType
from ingestion.held_signals import HeldSignals
from ingestion.partition_destination import OpenTable, TableLoads, partition_destination
from ingestion.raw_data import RAW_SCHEMA
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

# What dlt's models select from: a view of the partition that is being loaded.
INCOMING = "temp.partition_rows"


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

        hints: list[TColumnSchema] = [
            {"name": column.name, "nullable": True, **_DLT_TYPES[column.type]} for column in columns
        ]
        resource: DltResource = dlt.resource(
            selected(), name=table, columns=hints, write_disposition="append", file_format="model"
        )
        return resource

    def run(self, resources: list[DltResource], load: Callable[[OpenTable], None] | None = None) -> None:
        """Run dlt once: `load` loads into each of the tables; without it dlt itself takes what the models select.

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
            assert load
            with signals.let_through(self._connection, table.connection):
                load(table)

        loads = TableLoads(load_letting_signals_through) if load else None
        pipeline = dlt.pipeline(
            "ingestion",
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
        if loads and loads.error is not None:
            raise loads.error
