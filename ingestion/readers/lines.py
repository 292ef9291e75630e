"""Text files as rows of lines, in Arrow: each line that is not empty is one row, whatever bytes it has.

A block of a file becomes an Arrow array without a copy: its lines are the text between two offsets. Only a block with
bytes that are not UTF-8, or with a line that is far too long, is looked at line by line.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from ingestion.errors import UnreadableFileError
from ingestion.partitions import Partition
from ingestion.readers.file_lists import SourceFile

LONGEST_LINE = 1_000_000
# What is kept of a line that is longer.
_KEPT_OF_TOO_LONG = 1_000
_BLOCK_BYTES = 8 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NEW_LINE, _RETURN = ord("\n"), ord("\r")

LINES = pa.schema(
    [
        ("partition_number", pa.int32()),  # in the list that was read
        ("period_start", pa.timestamp("us")),
        ("file_name", pa.string()),  # without folders
        ("line_number", pa.int64()),  # from 1 on
        ("source_row", pa.int64()),  # from 0 on, over all files of the partition
        ("text", pa.string()),
        ("problem", pa.string()),  # not_utf8, too_long or half_line; of other lines missing
        ("is_last_and_open", pa.bool_()),  # the last line of a file that does not end with a line break
    ]
)


@dataclass(frozen=True)
class PartitionFiles:
    """A partition with its files, in the order of their rows."""

    partition: Partition
    files: Sequence[SourceFile]


class VanishedFileError(UnreadableFileError):
    """A file was there when its folder was listed, and cannot be opened now. The next listing knows better."""

    is_transient = True


def read_lines(partitions: Sequence[PartitionFiles]) -> pa.Table:
    """All lines of these partitions, in order, as `LINES` has them. They are in memory: for small files.

    Raises:
        VanishedFileError: a file cannot be opened.
    """
    return pa.Table.from_batches(line_batches(partitions), LINES)


def line_batches(partitions: Sequence[PartitionFiles]) -> Iterator[pa.RecordBatch]:
    """All lines of these partitions, in order, as `LINES` has them; at most some megabytes are in memory.

    Raises:
        VanishedFileError: a file cannot be opened.
    """
    for number, of_partition in enumerate(partitions):
        row = 0
        for file in of_partition.files:
            for lines in _lines_of(of_partition.partition, file):
                yield _batch(number, of_partition.partition.period.start, file.base_name, row, lines)
                row += len(lines.texts)


@dataclass(frozen=True)
class _Lines:
    """Lines of one block of a file."""

    numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    texts: pa.StringArray
    problems: pa.StringArray | None
    is_open: bool


def _batch(number: int, start: datetime, file_name: str, first_row: int, lines: _Lines) -> pa.RecordBatch:
    count = len(lines.texts)
    is_open = np.zeros(count, bool)
    if lines.is_open and count:
        is_open[-1] = True
    return pa.record_batch(
        [
            pa.array(np.full(count, number, np.int32)),
            pa.repeat(pa.scalar(start, pa.timestamp("us")), count),
            pa.repeat(file_name, count),
            pa.array(lines.numbers),
            pa.array(np.arange(first_row, first_row + count)),
            lines.texts,
            pa.nulls(count, pa.string()) if lines.problems is None else lines.problems,
            pa.array(is_open),
        ],
        schema=LINES,
    )


def _lines_of(partition: Partition, file: SourceFile) -> Iterator[_Lines]:
    lines_before = 0
    try:
        with open(file.path, "rb", opener=_no_link) as opened:
            for block in _blocks(opened):
                is_open = not block.endswith(b"\n")
                # The mark counts for nothing, as in any text file.
                content = block.removeprefix(_BYTE_ORDER_MARK) if lines_before == 0 else block
                offsets = _offsets(content)
                lines = _plain_lines(content, offsets, lines_before, is_open)
                yield lines or _odd_lines(content, offsets, lines_before, is_open)
                lines_before += len(offsets) - 1
    except OSError as error:
        raise VanishedFileError(
            f"{partition}: expected to read {file.name[-200:]}, which was listed, but {error.strerror or error}. "
            f"Nothing was changed. Load the {partition.feed.grain} again."
        ) from error


def _no_link(path: str, flags: int) -> int:
    """Open a file that was no link when it was listed, and must not have become one since."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _blocks(opened: BinaryIO) -> Iterator[bytes]:
    """A file in blocks of whole lines; only the last line of the last block may lack its line break.

    Of a line that is far too long the rest is left out, so that memory is bounded whatever a file has.
    """
    begun, is_cut = b"", False
    while piece := opened.read(_BLOCK_BYTES):
        if is_cut:
            _, line_break, rest = piece.partition(b"\n")
            if not line_break:
                continue
            piece, is_cut = line_break + rest, False
        block = begun + piece
        end = block.rfind(b"\n") + 1
        begun = block[end:]
        if end:
            yield block[:end]
        if len(begun) > LONGEST_LINE:
            # Longer still than the longest with a line break of two characters.
            begun, is_cut = begun[: LONGEST_LINE + 2], True
    if begun:
        yield begun


def _offsets(block: bytes) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    """Where the lines of a block begin, and where the last one ends."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _NEW_LINE) + 1
    last = [] if not block or block.endswith(b"\n") else [len(block)]
    return np.concatenate(([0], ends, last)).astype(np.int32)


def _plain_lines(
    block: bytes, offsets: "np.ndarray[tuple[int], np.dtype[np.int32]]", lines_before: int, is_open: bool
) -> _Lines | None:
    """The lines of a block in which each is text; None of another one."""
    lengths = np.diff(offsets)
    if lengths.max(initial=0) > LONGEST_LINE or not _is_utf_8(block):
        return None
    texts = pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(block))
    numbers = np.arange(lines_before + 1, lines_before + 1 + len(lengths))
    if lengths.min(initial=3) <= 2:
        first = np.frombuffer(block, np.uint8)[offsets[:-1]]
        is_empty = ((lengths == 1) & ((first == _NEW_LINE) | (first == _RETURN))) | (
            (lengths == 2) & (first == _RETURN) & (np.frombuffer(block, np.uint8)[offsets[1:] - 1] == _NEW_LINE)
        )
        texts, numbers = texts.filter(pa.array(~is_empty)), numbers[~is_empty]
        is_open = is_open and not is_empty[-1]
    return _Lines(numbers, texts, None, is_open)


def _is_utf_8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _odd_lines(
    block: bytes, offsets: "np.ndarray[tuple[int], np.dtype[np.int32]]", lines_before: int, is_open: bool
) -> _Lines:
    """The lines of a block of which some cannot be read, one by one."""
    numbers, texts, problems = [], [], []
    for number, (begin, end) in enumerate(pairwise(offsets.tolist()), lines_before + 1):
        line = block[begin:end].removesuffix(b"\n").removesuffix(b"\r")
        if not line:
            continue
        problem = None
        if len(line) > LONGEST_LINE:
            problem, line = "too_long", line[:_KEPT_OF_TOO_LONG]
        elif not _is_utf_8(line):
            problem = "half_line" if is_open and end == len(block) else "not_utf8"
        numbers.append(number)
        texts.append(line.decode(errors="backslashreplace"))
        problems.append(problem)
    is_open = is_open and bool(numbers) and numbers[-1] == lines_before + len(offsets) - 1
    return _Lines(np.array(numbers, np.int64), pa.array(texts, pa.string()), pa.array(problems, pa.string()), is_open)
