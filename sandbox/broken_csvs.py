"""Copies of a CSV with something wrong in them."""

import csv
import io
from pathlib import Path

from ingestion.feeds import Feed
from ingestion.readers.columns import match_key
from sandbox.broken_files import EXTRA_COLUMN, FileFormat
from sandbox.faults import TABLE_FAULTS, Fault

NO_TIME = "yesterday at noon"


def _write_broken(feed: Feed, whole: Path, path: Path, fault: Fault) -> None:
    path.write_bytes(broken_csv(feed, whole.read_bytes(), fault))


CSV = FileFormat(TABLE_FAULTS, _write_broken)


def broken_csv(feed: Feed, content: bytes, fault: Fault) -> bytes:
    """A CSV with the fault; it is the feed's time of the event that has a wrong value or is missing.

    Where the feed does not say when a row happened, it is the last of its required columns.
    """
    lines = content.splitlines(keepends=True)
    match fault:
        case Fault.WRONG_TYPES:
            middle = len(lines) // 2
            lines[middle] = _with_no_time(lines[middle], _time_column(feed, lines[0]))
        case Fault.MISSING_COLUMN:
            cells = lines[0].split(b",")
            position = _time_column(feed, lines[0])
            cells[position] = _renamed(cells[position])
            lines[0] = b",".join(cells)
        case Fault.EXTRA_COLUMN:
            added = [f',"{EXTRA_COLUMN}"', *(f',"{number}"' for number in range(1, len(lines)))]
            lines = [
                line.rstrip(b"\r\n") + more.encode() + _line_end(line) for line, more in zip(lines, added, strict=True)
            ]
        case Fault.NO_ROWS:
            del lines[1:]
        case _:
            raise ValueError(f"a CSV cannot be broken by {fault}")
    return b"".join(lines)


def _time_column(feed: Feed, header: bytes) -> int:
    """The position of the column that `broken_csv` breaks, under its present or a former name."""
    former = feed.former_schema.raw_names if feed.former_schema else ()
    wanted = feed.event_time or [column.name for column in feed.columns if column.required][-1]
    names = {match_key(name) for name, raw in ((wanted, wanted), *former) if raw == wanted}
    (columns,) = csv.reader([header.decode()])
    for position, name in enumerate(columns):
        if match_key(name) in names:
            return position
    raise ValueError(f"expected the column {wanted} in a CSV of {feed.name}, got {', '.join(columns)}")


def _with_no_time(line: bytes, position: int) -> bytes:
    (values,) = csv.reader([line.decode()])
    values[position] = NO_TIME
    written = io.StringIO()
    csv.writer(written, lineterminator=_line_end(line).decode()).writerow(values)
    return written.getvalue().encode()


def _renamed(cell: bytes) -> bytes:
    """The cell of a header with another name in it, in quotes if it had some."""
    name = cell.strip(b'"\r\n')
    return cell.replace(name, name + b"_renamed")


def _line_end(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]
