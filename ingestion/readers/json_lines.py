"""Files of JSON lines: each line is a row, also a broken one, and nothing in a file makes its partition fail.

A line's fields are the columns of their names, as texts. What the feed does not declare is in `other_fields`.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from ingestion.feeds import Column, columns
from ingestion.partitions import Partition
from ingestion.readers.file_lists import SourceFile, is_file_list, read_file_list
from ingestion.readers.lines import LINES, PartitionFiles, line_batches, read_lines
from ingestion.readers.published import (
    MOST_BYTES_IN_MEMORY,
    ROWS_READ,
    SCRATCH,
    PublishedRows,
    RowsOfPartitions,
    open_scratch,
)
from ingestion.readers.published_file import PublishedFile
from warehouse.sql import identifier, literal

# Where a line stood, and why it could not be read. `line` is the line itself where there was a reason.
LINE_COLUMNS: tuple[Column, ...] = (
    *columns(required="file_name:s line_number:b"),
    *columns(required="", optional="other_fields:s problem:s line:s"),
)
_LINE_COLUMN_NAMES = frozenset(column.name for column in LINE_COLUMNS)

# DuckDB also takes a comma before a closing bracket. Where a line may have one, its strings are made empty first: then
# it has one or not. NaN and Infinity are taken, as Python does.
_COMMA_BEFORE_END = r",\s*[}\]]"
_STRING = r'"(?:[^"\\]|\\.)*"'


class JsonLinesReader:
    """Reads the files of a list. A feed's columns are texts, and end with `LINE_COLUMNS`."""

    def __call__(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The rows of the files that are listed at this path, in their order: each line that is not empty is one.

        Raises:
            VanishedFileError: a listed file is not there any more.
        """
        listed = PartitionFiles(partition, read_file_list(path))
        content_bytes = sum(file.bytes for file in listed.files)
        file = PublishedFile(partition, path, called=str(partition))
        if content_bytes <= MOST_BYTES_IN_MEMORY:
            lines = read_lines([listed])
            connection.register(ROWS_READ, lines)
            query = select_of_lines(partition.feed.columns, ROWS_READ)
            return PublishedRows(
                file, query, partition.feed.columns, lines.num_rows, rows=lines, files=_of_several(path, listed)
            )
        open_scratch(connection, path, content_bytes)
        connection.register(ROWS_READ, pa.RecordBatchReader.from_batches(LINES, line_batches([listed])))
        created = f"create table {SCRATCH}.rows as {select_of_lines(partition.feed.columns, ROWS_READ)}"
        ((count,),) = connection.execute(created).fetchall()
        connection.unregister(ROWS_READ)
        listed_columns = ", ".join(identifier(column.name) for column in partition.feed.columns)
        query = f"select {listed_columns}, source_row from {SCRATCH}.rows"
        return PublishedRows(file, query, partition.feed.columns, count, files=_of_several(path, listed))

    def read_together(self, files: Sequence[tuple[Partition, Path]]) -> RowsOfPartitions:
        """The rows of the files of many partitions of a feed, all of them in memory.

        Raises:
            VanishedFileError: a listed file is not there any more.
        """
        listed = [PartitionFiles(partition, read_file_list(path)) for partition, path in files]
        lines = read_lines(listed)
        counts = np.bincount(lines["partition_number"].to_numpy(), minlength=len(files))
        feed_columns = files[0][0].feed.columns
        of_several = [_of_several(path, of) for (_, path), of in zip(files, listed, strict=True)]
        query = select_of_lines(feed_columns, ROWS_READ)
        return RowsOfPartitions(query, feed_columns, counts.tolist(), lines, of_several)


def _of_several(path: Path, listed: PartitionFiles) -> tuple[SourceFile, ...]:
    """The files, where the partition has a list of them."""
    return tuple(listed.files) if is_file_list(path) else ()


def select_of_lines(feed_columns: Sequence[Column], lines: str) -> str:
    """The SELECT of rows from a table of `LINES`: a feed's columns, `source_row`, `period_start`, `partition_number`.

    A field that is there twice counts as Python's json has it: by its last value. A text is itself, anything else the
    JSON of it, and null is missing.
    """
    fields = [column.name for column in feed_columns if column.name not in _LINE_COLUMN_NAMES]
    known = ", ".join(map(literal, fields))
    paths = ", ".join(literal(f'$."{field}"') for field in fields)
    values = ", ".join(f"texts[{number}] as {identifier(field)}" for number, field in enumerate(fields, 1))
    without_known = "{" + ", ".join(f'"{field}": null' for field in fields) + "}"
    return f"""
        with parsed as (
            select *, case when problem is null then try(json_keys(text)) end as keys from {lines}
        ),

        judged as (
            select
                * exclude (problem),
                case
                    when problem is not null then problem
                    when keys is null or {_has_comma_before_end("text")} then
                        case when is_last_and_open then 'half_line' else 'not_json' end
                    when len(keys) = 0 and not starts_with(ltrim(text, e' \t\r'), '{{') then 'not_an_object'
                end as problem,
                keys <> [{known}] as is_unusual
            from parsed
        ),

        named_once as (
            select
                * replace (
                    case when problem is null and is_unusual and len(keys) <> list_unique(keys)
                        then {_LAST_OF_EACH_NAME} else text
                    end as text
                ),
                text as line
            from judged
        ),

        extracted as (
            select *, case when problem is null then json_extract_string(text, [{paths}]) end as texts from named_once
        )

        select
            {values},
            file_name,
            line_number,
            case when problem is null and is_unusual and not list_has_all([{known}], keys)
                then cast(json_merge_patch(text, {literal(without_known)}) as varchar)
            end as other_fields,
            problem,
            case when problem is not null then rtrim(line, e'\r\n') end as line,
            source_row,
            period_start,
            partition_number
        from extracted
    """


def _has_comma_before_end(text: str) -> str:
    """SQL: whether a text that DuckDB takes for JSON has a comma before a closing bracket."""
    pattern = literal(_COMMA_BEFORE_END)
    without_strings = f"regexp_replace({text}, {literal(_STRING)}, '\"\"', 'g')"
    return (
        f"case when regexp_matches({text}, {pattern}) then regexp_matches({without_strings}, {pattern}) else false end"
    )


# An object in which each name is there once, with its last value.
_LAST_OF_EACH_NAME = """
    '{' || array_to_string(
        [
            cast(to_json(keys[place]) as varchar) || ':' || cast(json_extract(text, '$.*')[place] as varchar)
            for place in range(1, len(keys) + 1)
            if not list_contains(keys[place + 1 :], keys[place])
        ],
        ','
    ) || '}'
"""
