"""Copies of a published file with something wrong in them, whatever its format.

What can be wrong beside that depends on the format: see `broken_parquet`, `broken_csvs` and `broken_zips`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingestion.feeds import Feed
from sandbox.faults import Fault

# The column that `Fault.EXTRA_COLUMN` adds.
EXTRA_COLUMN = "never_seen_before"

HTML = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>We will be back soon.</body></html>\n"


@dataclass(frozen=True)
class FileFormat:
    """A format of files: the faults that such a file can have, and how they are made.

    `write_broken` takes the feed, the whole file, the path of the copy and the fault.
    """

    faults: frozenset[Fault]
    write_broken: Callable[[Feed, Path, Path, Fault], None]


def write_broken_file(file_format: FileFormat, feed: Feed, whole: Path, path: Path, fault: Fault) -> None:
    """Write a copy of a whole file, with the fault."""
    match fault:
        case Fault.HTML:
            path.write_bytes(HTML)
        case Fault.TRUNCATED:
            content = whole.read_bytes()
            path.write_bytes(content[: len(content) // 2])
        case _:
            file_format.write_broken(feed, whole, path, fault)
