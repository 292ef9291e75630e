"""Writes published files: names, sizes and content come from the stand-in of the feed's publisher."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from sandbox.catalog import file_stand_in_of


def partition_of(feed: str, when: date) -> Partition:
    """The feed's partition of this date.

    Raises:
        ValueError: the sandbox has no files of the feed, or the feed has none that early.
    """
    file_stand_in_of(feed)
    known = FEEDS[feed]
    period = known.period_of(when)
    if period < known.first_period:
        raise ValueError(f"{feed} has no file for {period}: its first {known.grain} is {known.first_period}")
    return Partition(known, period)


def file_name(feed: str, when: date) -> str:
    """The name of the file of this date's period."""
    return file_stand_in_of(feed).file_name(partition_of(feed, when))


def row_count(feed: str, when: date, *, rows: int, revision: int = 0) -> int:
    """How many rows the file of this date's period has, where `rows` are asked for."""
    return file_stand_in_of(feed).row_count(partition_of(feed, when), rows=rows, revision=revision)


def write_file(feed: str, when: date, folder: Path, *, rows: int, revision: int = 0) -> Path:
    """Write the file of this date's period into the folder under its published name, and return its path.

    `rows` is the size of a file of the subject's main feed; other feeds have their usual share, see `row_count`. The
    bytes depend on the arguments alone. Another `revision` is the file as replaced by its publisher: other values and
    a few rows more.

    Raises:
        ValueError: the feed has no files, or none that early, or the size or revision is out of range.
    """
    partition = partition_of(feed, when)
    stand_in = file_stand_in_of(feed)
    unfinished, path = _places(folder, stand_in.file_name(partition), rows, revision)
    stand_in.write(partition, unfinished, rows=rows, revision=revision)
    unfinished.replace(path)
    return path


def write_published(partitions: Sequence[Partition], folder: Path, *, rows: int, revision: int = 0) -> Path:
    """Write the file that is published with these partitions of one feed: that of one, or an archive of several.

    Raises:
        ValueError: as for `write_file`.
    """
    first = partitions[0]
    stand_in = file_stand_in_of(first.feed.name)
    name = stand_in.published_name(first)
    if name == stand_in.file_name(first):
        return write_file(first.feed.name, first.period.start, folder, rows=rows, revision=revision)
    unfinished, path = _places(folder, name, rows, revision)
    stand_in.write_archive(partitions, unfinished, rows=rows, revision=revision)
    unfinished.replace(path)
    return path


def _places(folder: Path, name: str, rows: int, revision: int) -> tuple[Path, Path]:
    """Where to write a file, and where it goes when it is whole: a partial file must never have a published name."""
    if rows < 1 or revision < 0:
        raise ValueError(f"expected rows of at least 1 and a revision of at least 0, got {rows} and {revision}")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.unfinished"), path
