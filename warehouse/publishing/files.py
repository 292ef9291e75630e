"""The Parquet files of a release: written where rows changed, and else the same file as in the release before."""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import duckdb

from warehouse.durable import sync
from warehouse.full_disk import clear_write_errors
from warehouse.publishing.parts import WHOLE, PublishingError, condition, rows_and_content
from warehouse.publishing.project import Model
from warehouse.releases.release import Part, Release, ReleaseTable
from warehouse.sql import identifier, literal

logger = logging.getLogger(__name__)

# warehouse/README.md says why.
COPY_OPTIONS = "format parquet, compression zstd, compression_level 3, row_group_size 122880"

# A guess, for the disk, at what a value takes in a file, where there is no release before to go by.
_BYTES_A_VALUE = 4

# Keys become paths. The ledger's are made of names of feeds and of periods.
_KEY = re.compile(r"[\w-]+(/[\w-]+)*", re.ASCII)


@dataclass
class Written:
    """What became of the files of a release. `damaged` are files of the release before that were made anew."""

    written: int = 0
    reused: int = 0
    bytes_written: int = 0
    damaged: list[Path] = field(default_factory=list)


def file_of(model: Model, part: Part) -> str:
    """Where a part is kept, relative to the release's folder.

    Raises:
        PublishingError: the partition's key is not one that may become a path.
    """
    names = (model.schema, model.table, part.partition_key)
    if not all(_KEY.fullmatch(name) for name in names):
        raise PublishingError(
            f"{model.full_name}: expected partition keys of letters, digits and dashes, but the ledger has "
            f"{part.partition_key!r}. It was not written by this project."
        )
    return str(PurePosixPath("tables", *names[:-1], f"{part.partition_key}.parquet"))


def plan(parts: Sequence[Part], before: ReleaseTable | None) -> Iterator[tuple[Part, Part | None]]:
    """Each part, with the part of the release before that has the same rows in a file, if there is one."""
    known = {part.partition_key: part for part in before.parts if part.file} if before else {}
    for part in parts:
        same = known.get(part.partition_key)
        yield part, same if same and (same.rows, same.content) == (part.rows, part.content) else None


def expected_bytes(table: ReleaseTable, before: ReleaseTable | None) -> int:
    """About how many bytes the parts of a table will take that must be written."""
    known = [part for part in before.parts if part.bytes] if before else []
    rows = sum(part.rows for part in known)
    a_row = sum(part.bytes or 0 for part in known) / rows if rows else _BYTES_A_VALUE * len(table.columns)
    return int(a_row * sum(part.rows for part, same in plan(table.parts, before) if same is None))


def write_files(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    table: ReleaseTable,
    folder: Path,
    before: Release | None,
    written: Written,
) -> tuple[Part, ...]:
    """Put the files of a table into a release's folder; gives its parts with their files.

    Raises:
        PublishingError: a file has other rows than the table.
        WarehouseError: the disk is full, or the folder cannot be written.
    """
    old = before.table(table.full_name) if before else None
    same_columns = old if old and old.columns == table.columns else None
    done = []
    folders: set[Path] = set()
    for part, same in plan(table.parts, same_columns):
        file = file_of(model, part)
        target = folder / file
        if target.parent not in folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.add(target.parent)
        kept = _reused(before.folder / str(same.file), same, target, written) if same and before else None
        if kept is None:
            kept = _write(connection, model, table.columns, part, target)
            written.written += 1
            written.bytes_written += kept[0]
        done.append(replace(part, file=file, bytes=kept[0], modified_ns=kept[1], sha256=kept[2]))
    return tuple(done)


def is_whole(file: Path, part: Part) -> bool:
    """Whether a file is as it was written. It is read only if its time is another."""
    return _time_if_whole(file, part) is not None


def _time_if_whole(file: Path, part: Part) -> int | None:
    try:
        state = file.stat()
        is_same = state.st_size == part.bytes and (
            state.st_mtime_ns == part.modified_ns or sha256_of(file) == part.sha256
        )
        return state.st_mtime_ns if is_same else None
    except OSError:
        return None


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _reused(source: Path, part: Part, target: Path, written: Written) -> tuple[int, int, str] | None:
    """Have the same file in the new release: by a hard link, or where that cannot be, as a copy.

    Gives its size, time and SHA-256; None if it is damaged.
    """
    # Thousands of files come by here for each release, so each is looked at once.
    modified_ns = _time_if_whole(source, part)
    if modified_ns is None or part.bytes is None or part.sha256 is None:
        logger.warning("%s: damaged or gone since it was published; it is written anew", source)
        written.damaged.append(source)
        return None
    try:
        os.link(source, target)
    except OSError:
        # Another disk, too many links, or a file system without links.
        with clear_write_errors(target):
            shutil.copy2(source, target)
            sync(target)
        written.bytes_written += part.bytes
        modified_ns = target.stat().st_mtime_ns
    written.reused += 1
    return part.bytes, modified_ns, part.sha256


def _write(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    columns: Sequence[tuple[str, str]],
    part: Part,
    target: Path,
) -> tuple[int, int, str]:
    """Write a part, and compare the file with the table; gives its size, time and SHA-256."""
    where = "" if part.partition_key == WHOLE else f" where {condition(model, part)}"
    with clear_write_errors(target):
        connection.execute(f"copy (from {model.relation}{where}) to {literal(target)} ({COPY_OPTIONS})")
        sync(target)
    source = f"(select {selected(columns)} from read_parquet({literal(target)}))"
    found = rows_and_content(connection, source)
    if found != (part.rows, part.content):
        raise PublishingError(
            f"{target}: expected {part.rows:,} rows with the checksum {part.content}, as {model.full_name} has them, "
            f"but the file has {found[0]:,} with {found[1]}. Check the disk, then publish again."
        )
    state = target.stat()
    target.chmod(0o444)
    return state.st_size, state.st_mtime_ns, sha256_of(target)


# Types that Parquet does not have, and the files hold as others.
_NOT_IN_PARQUET = ("HUGEINT", "UHUGEINT")


def selected(columns: Sequence[tuple[str, str]]) -> str:
    """The columns as a view reads them from files."""
    return ", ".join(
        f"cast({identifier(name)} as {type_}) as {identifier(name)}" if type_ in _NOT_IN_PARQUET else identifier(name)
        for name, type_ in columns
    )
