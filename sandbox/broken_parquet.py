"""Copies of a Parquet file with something wrong in them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.feeds import ColumnType, Feed
from sandbox.broken_files import EXTRA_COLUMN, FileFormat
from sandbox.faults import TABLE_FAULTS, Fault


def _write_broken(feed: Feed, whole: Path, path: Path, fault: Fault) -> None:
    pq.write_table(_broken_table(feed, pq.read_table(whole), fault), path)


PARQUET = FileFormat(TABLE_FAULTS | {Fault.FRACTIONS, Fault.NOT_FINITE}, _write_broken)


def _broken_table(feed: Feed, table: pa.Table, fault: Fault) -> pa.Table:
    types: tuple[ColumnType, ...] = (ColumnType.DOUBLE, ColumnType.INTEGER)
    if fault is Fault.FRACTIONS:
        types = (ColumnType.INTEGER,)
    elif fault is Fault.NOT_FINITE and any(column.type is ColumnType.DOUBLE for column in feed.columns):
        types = (ColumnType.DOUBLE,)
    name = _number_column(feed, table, types)
    position = table.column_names.index(name)
    match fault:
        case Fault.WRONG_TYPES:
            values = table.column(name).cast(pa.string()).to_pylist()
            values[len(values) // 2] = "many"
            return table.set_column(position, name, pa.array(values, pa.string()))
        case Fault.FRACTIONS:
            values = table.column(name).cast(pa.float64()).to_pylist()
            values[len(values) // 2] = 1.5
            return table.set_column(position, name, pa.array(values).cast(pa.decimal128(12, 1)))
        case Fault.NOT_FINITE:
            values = table.column(name).to_pylist()
            values[:2] = [float("nan"), float("inf")]
            return table.set_column(position, name, pa.array(values, pa.float64()))
        case Fault.MISSING_COLUMN:
            return table.rename_columns({name: f"{name}_renamed"})
        case Fault.EXTRA_COLUMN:
            return table.append_column(EXTRA_COLUMN, pa.array(range(table.num_rows), pa.int32()))
        case Fault.NO_ROWS:
            return table.slice(0, 0)
    raise ValueError(f"a Parquet file cannot be broken by {fault}")


def _number_column(feed: Feed, table: pa.Table, types: tuple[ColumnType, ...]) -> str:
    """The published name of the feed's last required number of these types."""
    required = [column.name for column in feed.columns if column.required and column.type in types]
    published = {name.replace("_", "").lower(): name for name in table.column_names}
    return str(published[required[-1].replace("_", "")])
