"""Writing a partition's rows into its raw table with dlt: whole, or not at all."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from ingestion.errors import IngestionError, LoadError, UnreadableFileError
from ingestion.feeds import PARTITION_COLUMNS, Column, ColumnType, raw_tables
from ingestion.partitions import Partition

logger = logging.getLogger(__name__)

RAW_SCHEMA = "raw_data"
_BATCH_ROWS = 1 << 18

_DLT_TYPES: dict[ColumnType, TColumnSchema] = {
    ColumnType.INTEGER: {"data_type": "bigint", "precision": 32},
    ColumnType.BIGINT: {"data_type": "bigint"},
    ColumnType.DOUBLE: {"data_type": "double"},
    ColumnType.VARCHAR: {"data_type": "text"},
    # Without this dlt takes Arrow's zoneless timestamps for UTC, and New York's wall clock is lost.
    ColumnType.TIMESTAMP: {"data_type": "timestamp", "timezone": False},
    ColumnType.DATE: {"data_type": "date"},
}

_ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    ColumnType.INTEGER: pa.int32(),
    ColumnType.BIGINT: pa.int64(),
    ColumnType.DOUBLE: pa.float64(),
    ColumnType.VARCHAR: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
    ColumnType.DATE: pa.date32(),
}


@dataclass(frozen=True)
class LoadedPartition:
    """What a partition holds after a load."""

    load_id: str
    rows: int
    min_event_time: datetime | None
    max_event_time: datetime | None


def load_partition(
    partition: Partition, rows: duckdb.DuckDBPyRelation, connection: duckdb.DuckDBPyConnection, work_folder: Path
) -> LoadedPartition:
    """Replace a partition of its raw table by these rows, in one transaction.

    `rows` has the raw columns in published order; the columns that say which row of which file it is
    are added here. `work_folder` holds dlt's files and may be thrown away afterwards.

    Raises:
        LoadError: dlt could not write the rows, or the partition does not hold them afterwards.
    """
    _create_missing_tables(connection, work_folder)
    published = _Counted(partition, rows)
    load_id = _run(published.resource(), connection, work_folder)
    loaded = current_state(partition, connection)
    if loaded is None or loaded.load_id != load_id or loaded.rows != published.count:
        raise LoadError(
            f"{partition}: expected {published.count:,} rows of load {load_id} in "
            f"{RAW_SCHEMA}.{partition.feed.raw_table}, but it holds {loaded}. Load the month again with --force."
        )
    return loaded


def current_state(partition: Partition, connection: duckdb.DuckDBPyConnection) -> LoadedPartition | None:
    """What a partition holds now, read from the raw table itself; None where it holds no row."""
    feed = partition.feed
    if feed.raw_table not in _existing_tables(connection):
        return None
    row = connection.execute(
        f"select max(_dlt_load_id), count(*), min({feed.event_time}), max({feed.event_time})"
        f" from {RAW_SCHEMA}.{feed.raw_table} where {_scope(partition)}"
    ).fetchone()
    return LoadedPartition(*row) if row and row[1] else None


def _scope(partition: Partition) -> str:
    return f"feed = '{partition.feed.name}' and source_month = date '{partition.month.isoformat()}'"


def _existing_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = ?", [RAW_SCHEMA]
    ).fetchall()
    return {name for (name,) in found}


class _Counted:
    """The rows of a partition as a dlt resource that counts what it has handed over."""

    def __init__(self, partition: Partition, rows: duckdb.DuckDBPyRelation) -> None:
        self.count = 0
        self._partition = partition
        self._rows = rows

    def resource(self) -> DltResource:
        columns = self._partition.feed.columns + PARTITION_COLUMNS
        return _resource(self._partition.feed.raw_table, columns, self._batches(), scope=_scope(self._partition))

    def _batches(self) -> Iterator[pa.Table]:
        for batch in self._read():
            rows = batch.num_rows
            partition_columns = {
                "feed": pa.repeat(self._partition.feed.name, rows),
                "source_month": pa.repeat(self._partition.month, rows),
                "source_row": pa.arange(self.count, self.count + rows),
            }
            self.count += rows
            table = pa.Table.from_batches([batch])
            for name, values in partition_columns.items():
                table = table.append_column(name, values)
            yield table

    def _read(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._rows.to_arrow_reader(_BATCH_ROWS)
        except duckdb.Error as error:
            raise UnreadableFileError(
                f"{self._partition}: expected rows with the types of ingestion/feeds.py, but the file cannot be read"
                f" as such ({error}). Load the month again; if it stays so, the publisher's file is broken."
            ) from error


def _resource(name: str, columns: tuple[Column, ...], data: Any, *, scope: str) -> DltResource:
    hints: list[TColumnSchema] = [
        {"name": column.name, "nullable": True, **_DLT_TYPES[column.type]} for column in columns
    ]
    resource: DltResource = dlt.resource(
        data,
        name=name,
        columns=hints,
        file_format="parquet",
        write_disposition={"disposition": "merge", "strategy": "delete-insert", "destination_scope": scope},
    )
    return resource


def _create_missing_tables(connection: duckdb.DuckDBPyConnection, work_folder: Path) -> None:
    """Have dlt create every raw table of the registry, so that dbt's sources all exist."""
    missing = {name: columns for name, columns in raw_tables().items() if name not in _existing_tables(connection)}
    if not missing:
        return
    empty = [
        _resource(name, columns, [_empty_table(columns)], scope="false") for name, columns in sorted(missing.items())
    ]
    _run(empty, connection, work_folder)


def _empty_table(columns: tuple[Column, ...]) -> pa.Table:
    return pa.schema([(column.name, _ARROW_TYPES[column.type]) for column in columns]).empty_table()


def _run(resources: DltResource | list[DltResource], connection: duckdb.DuckDBPyConnection, folder: Path) -> str:
    """Run dlt once and return its load id.

    Each run has a pipeline folder of its own, so that nothing of a run that broke off is ever
    loaded by the next; what dlt must remember it restores from the database.
    """
    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    dlt.config["load.truncate_staging_dataset"] = True
    dlt.config["runtime.dlthub_telemetry"] = False
    pipeline = dlt.pipeline(
        "ingestion",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(connection),
        dataset_name=RAW_SCHEMA,
    )
    try:
        info = pipeline.run(resources)
        info.raise_on_failed_jobs()
    except Exception as error:
        raise _reason(error) from error
    finally:
        pipeline.drop()
    return str(info.loads_ids[-1])


def _reason(error: BaseException) -> IngestionError:
    """What dlt's error came from, if that was an unreadable file; dlt's own words otherwise."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, IngestionError):
            return cause
        cause = cause.__cause__
    return LoadError(f"expected dlt to load the partition, but it failed: {error}")
