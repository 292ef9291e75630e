"""What Delta's log says of a file, so that readers can skip it: counts, and the least and greatest values."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pyarrow.parquet as pq

from warehouse.lakehouse.columns import Column

# Not floating-point numbers: Parquet leaves NaN out of its bounds, while Delta takes it for the greatest of them all.
_WITH_BOUNDS = {"BIGINT", "DATE", "INTEGER", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR"}


def delta_statistics(footer: pq.FileMetaData, columns: tuple[Column, ...]) -> str:
    """The statistics of a file as the text that Delta's log holds, from the footer of the Parquet file."""
    statistics = _statistics(footer)
    nulls, least, greatest = {}, {}, {}
    for column in columns:
        chunks = statistics.get(column.name, [None])
        if all(chunk is not None and chunk.has_null_count for chunk in chunks):
            nulls[column.name] = sum(chunk.null_count for chunk in chunks)
        if column.type in _WITH_BOUNDS and (bounds := _bounds(chunks)):
            least[column.name], greatest[column.name] = bounds
    return json.dumps(
        {"numRecords": footer.num_rows, "minValues": least, "maxValues": greatest, "nullCount": nulls},
        ensure_ascii=False,
    )


def _statistics(footer: pq.FileMetaData) -> dict[str, list[Any]]:
    """The statistics of every column's chunks, None for a chunk that has none."""
    names = [footer.schema.column(position).path for position in range(footer.num_columns)]
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    return {name: [group.column(position).statistics for group in groups] for position, name in enumerate(names)}


def _bounds(chunks: list[Any]) -> tuple[Any, Any] | None:
    """The least and the greatest value; None if a chunk does not say, or a value is beyond Python's calendar."""
    if not all(chunk is not None and chunk.has_min_max for chunk in chunks):
        return None
    try:
        return (_as_json(min(chunk.min for chunk in chunks)), _as_json(max(chunk.max for chunk in chunks)))
    except (ValueError, OverflowError):
        return None


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return text.isoformat(timespec="microseconds") + ("Z" if value.tzinfo else "")
    return value.isoformat() if isinstance(value, date) else value
