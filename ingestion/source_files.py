"""The state of each file that partitions were loaded from, counted from the rows that are written."""

from collections.abc import Mapping, Sequence
from typing import Literal

import duckdb

from ingestion.partitions import Partition
from ingestion.raw_data import RAW_SCHEMA
from ingestion.readers.file_lists import SourceFile
from warehouse.ledger import SourceFileState
from warehouse.sql import identifier


def file_states(
    files: Mapping[Partition, Sequence[SourceFile]], connection: duckdb.DuckDBPyConnection
) -> dict[Partition, list[SourceFileState]]:
    """The states of the files of partitions of one feed, whose rows are in the raw table, by one query."""
    if not files:
        return {}
    feed = next(iter(files)).feed
    period = identifier(feed.period_column.name)
    starts = [partition.period.value for partition in files]
    counted = connection.execute(
        f"select {period}, file_name, count(*), count(problem), count_if(problem = 'half_line')"
        f" from {identifier(RAW_SCHEMA, feed.raw_table)}"
        f" where feed = ? and {period} between ? and ? group by all",
        [feed.name, min(starts), max(starts)],
    ).fetchall()
    counts = {(start, name): tuple(numbers) for start, name, *numbers in counted}
    return {
        partition: [_state(file, *counts.get((partition.period.value, file.base_name), (0, 0, 0))) for file in listed]
        for partition, listed in files.items()
    }


def _state(file: SourceFile, rows: int, unreadable: int, half_lines: int) -> SourceFileState:
    state: Literal["whole", "incomplete", "broken"] = "whole"
    if rows and unreadable == rows and unreadable > half_lines:
        state = "broken"
    elif half_lines:
        state = "incomplete"
    return SourceFileState(file.name, state, rows, unreadable, file.bytes, file.etag, file.last_modified)
