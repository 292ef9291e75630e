"""Writing a partition's rows into its raw table with dlt: whole, or not at all."""

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.exceptions import DltException
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from ingestion.catalog import raw_tables
from ingestion.errors import IngestionError, LoadError
from ingestion.feeds import Column, ColumnType
from ingestion.partition_destination import Replacement, partition_destination
from ingestion.partitions import Partition
from ingestion.raw_data import RAW_SCHEMA, LoadedPartition, current_state, existing_tables, period_literal, scope
from ingestion.readers.published import PublishedRows
from ingestion.readers.published_file import PublishedFile
from warehouse.paths import database_path
from warehouse.sql import identifier, literal

_DLT_TYPES: dict[ColumnType, TColumnSchema] = {
    ColumnType.INTEGER: {"data_type": "bigint", "precision": 32},
    ColumnType.BIGINT: {"data_type": "bigint"},
    ColumnType.DOUBLE: {"data_type": "double"},
    ColumnType.VARCHAR: {"data_type": "text"},
    # Without this dlt takes zoneless timestamps for UTC, and New York's wall clock is lost.
    ColumnType.TIMESTAMP: {"data_type": "timestamp", "timezone": False},
    ColumnType.DATE: {"data_type": "date"},
}


def load_partition(
    partition: Partition,
    published: PublishedRows,
    connection: duckdb.DuckDBPyConnection,
    work_folder: Path,
    record: Callable[[duckdb.DuckDBPyConnection, LoadedPartition], None],
) -> LoadedPartition:
    """Replace a partition of its raw table by these rows, in one transaction.

    `record` is called in that transaction with what is loaded, so that what it writes and the rows are
    there together or not at all. `work_folder` holds dlt's files and may be thrown away afterwards.

    Raises:
        UnreadableFileError: a value is not of its column's type.
        LoadError: the rows could not be written, or are not all there afterwards.
    """
    if published.count == 0:
        raise LoadError(
            f"{partition}: expected rows, but the published file has none. What was loaded before stays; "
            "load the month again when the publisher has repaired the file."
        )
    loaded: LoadedPartition | None = None

    def complete(transaction: duckdb.DuckDBPyConnection, load_id: str) -> None:
        nonlocal loaded
        loaded = current_state(partition, transaction)
        if loaded is None or (loaded.load_id, loaded.rows) != (load_id, published.count):
            raise LoadError(
                f"{partition}: expected {published.count:,} rows of load {load_id} in "
                f"{RAW_SCHEMA}.{partition.feed.raw_table}, but it would hold {loaded}. Nothing was changed; "
                "load the month again."
            )
        record(transaction, loaded)

    replacement = Replacement(scope(partition), complete)
    query = _with_partition_columns(partition, published)
    columns = (*published.columns, *partition.feed.raw_columns[len(partition.feed.columns) :])
    resource = _resource(partition.feed.raw_table, columns, _model(query, work_folder / "rows.model"))
    try:
        _create_missing_tables(connection, work_folder)
        _run(resource, connection, work_folder, replacement)
    except DltException as error:
        cause = replacement.error or error
        raise _explained(partition, cause, work_folder) from cause
    assert loaded is not None, "the transaction checked it"
    return loaded


def _with_partition_columns(partition: Partition, published: PublishedRows) -> str:
    names = ", ".join(identifier(column.name) for column in published.columns)
    feed, period = literal(partition.feed.name), identifier(partition.feed.period_column.name)
    return (
        f"select {names}, {feed} as feed, {period_literal(partition)} as {period}, source_row"
        f" from ({published.query}) as published"
    )


def _model(query: str, path: Path) -> Iterator[Any]:
    """A select as dlt takes it: a file of its `model` format, which the destination runs."""
    path.write_text(f"dialect: duckdb\n{query}\n")
    yield dlt.mark.with_file_import(str(path), "model")


def _resource(name: str, columns: tuple[Column, ...], model: Iterator[Any]) -> DltResource:
    hints: list[TColumnSchema] = [
        {"name": column.name, "nullable": True, **_DLT_TYPES[column.type]} for column in columns
    ]
    resource: DltResource = dlt.resource(
        model, name=name, columns=hints, write_disposition="append", file_format="model"
    )
    return resource


def _create_missing_tables(connection: duckdb.DuckDBPyConnection, work_folder: Path) -> None:
    """Have dlt create every raw table of the registry, so that dbt's sources all exist."""
    missing = {name: columns for name, columns in raw_tables().items() if name not in existing_tables(connection)}
    if missing:
        empty = [
            _resource(name, columns, _model(_no_rows(columns), work_folder / f"{name}.model"))
            for name, columns in sorted(missing.items())
        ]
        _run(empty, connection, work_folder)


def _no_rows(columns: tuple[Column, ...]) -> str:
    values = ", ".join(f"cast(null as {column.type}) as {identifier(column.name)}" for column in columns)
    return f"select {values} where false"


def _run(
    resources: DltResource | list[DltResource],
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    replacement: Replacement | None = None,
) -> None:
    """Run dlt once.

    Each run has a pipeline folder of its own, so that nothing of a run that broke off is ever
    loaded by the next; what dlt must remember it restores from the database.
    """
    dlt.config["normalize.model_normalizer.add_dlt_load_id"] = True
    dlt.config["runtime.dlthub_telemetry"] = False
    pipeline = dlt.pipeline(
        "ingestion",
        pipelines_dir=str(folder / "dlt"),
        destination=partition_destination(connection, replacement),
        dataset_name=RAW_SCHEMA,
    )
    # What fails is raised, and said once: not by dlt as well.
    logging.getLogger("dlt").setLevel(logging.CRITICAL)
    try:
        pipeline.run(resources).raise_on_failed_jobs()
    finally:
        pipeline.drop()


def _explained(partition: Partition, error: Exception, work_folder: Path) -> IngestionError:
    if isinstance(error, IngestionError):
        return error
    cause = error.__cause__ if isinstance(error.__cause__, duckdb.Error) else error
    file = PublishedFile(partition, work_folder / "rows", called=str(partition))
    if isinstance(cause, duckdb.Error) and not _is_ours(cause):
        return file.wrong_values(cause)
    room = "free space on its disk, and " if re.search("space|too large", str(cause)) else ""
    return LoadError(
        f"{partition}: expected the rows to be written to {database_path()}, but {file.reason(cause)}. "
        f"Nothing was changed. {f'{room}{file.load_again}'.capitalize()}."
    )


def _is_ours(error: duckdb.Error) -> bool:
    """Whether an error comes from writing (a full disk, memory, another transaction) and not from the values read."""
    if isinstance(error, duckdb.IOException):
        return bool(re.search("space|too large|write|lock|create|sync", str(error)))
    return isinstance(
        error,
        duckdb.OutOfMemoryException | duckdb.TransactionException | duckdb.FatalException | duckdb.CatalogException,
    )
