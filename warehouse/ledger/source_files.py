"""Which files a partition was loaded from, and in which state they were (`meta.source_files`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from warehouse.ledger.records import utc_now

_COLUMNS = (
    "feed, partition_key, file_name, state, rows, unreadable_rows, bytes, etag, last_modified, load_id, loaded_at"
)


@dataclass(frozen=True)
class SourceFileState:
    """A file as it was loaded. `file_name` is below its publisher's address; `last_modified` is UTC without zone."""

    file_name: str
    state: Literal["whole", "incomplete", "broken"]
    rows: int
    unreadable_rows: int
    bytes: int
    etag: str | None
    last_modified: datetime | None


@dataclass(frozen=True)
class PartitionSourceFiles:
    """All files of a partition that was loaded."""

    feed: str
    partition_key: str
    load_id: str
    files: Sequence[SourceFileState]


def write_source_files(connection: duckdb.DuckDBPyConnection, partitions: Iterable[PartitionSourceFiles]) -> None:
    """Record the files of partitions in place of those that were recorded of them, by two statements in all."""
    partitions = list(partitions)
    if not partitions:
        return
    loaded_at = utc_now()
    rows = [
        (
            of.feed,
            of.partition_key,
            file.file_name,
            file.state,
            file.rows,
            file.unreadable_rows,
            file.bytes,
            file.etag,
            file.last_modified,
            of.load_id,
            loaded_at,
        )
        for of in partitions
        for file in of.files
    ]
    connection.execute(
        "delete from meta.source_files where (feed, partition_key) in"
        " (select unnest(?::varchar[]), unnest(?::varchar[]))",
        [[of.feed for of in partitions], [of.partition_key for of in partitions]],
    )
    types = ("varchar",) * 4 + ("bigint",) * 3 + ("varchar", "timestamp", "varchar", "timestamp")
    lists = ", ".join(f"unnest(?::{type_}[])" for type_ in types)
    connection.execute(
        f"insert into meta.source_files ({_COLUMNS}) select {lists}",
        [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in types],
    )
