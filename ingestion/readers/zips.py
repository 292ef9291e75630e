"""Unpacking Citi Bike's zips: several CSVs, beside entries that are none, sometimes zips in the zip."""

import errno
import io
import lzma
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ingestion.errors import UnreadableFileError
from ingestion.readers.columns import shortened
from ingestion.readers.published import beginning

_CHUNK_BYTES = 1 << 20

# A month has about 0.8 GB of CSV and packs to a third or a seventh. Far beyond that is no month but a zip bomb.
MAX_UNPACKED_BYTES = 20_000_000_000
MAX_RATIO = 100
# The archive of a year has about a hundred entries.
MAX_ENTRIES = 1_000
# An entry has 46 bytes and its name here. Python reads the whole directory before it says how many entries there are.
_MAX_DIRECTORY_BYTES = 2_000_000

_IS_ENCRYPTED = 1

# What zipfile raises for zips that are not whole, or not as it knows them.
_NOT_WHOLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    IndexError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    struct.error,
    ValueError,
)


class _ZipBytes(io.BufferedReader):
    """The bytes of a zip; a directory of entries that is far too long is not read."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._path = path

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY_BYTES:
            raise _too_many_entries(self._path)
        return super().read(size)


@contextmanager
def _open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with _ZipBytes(path) as content, zipfile.ZipFile(content) as archive:
        if len(archive.infolist()) > MAX_ENTRIES:
            raise _too_many_entries(path)
        yield archive


@dataclass(frozen=True)
class _Entry:
    """A CSV in a zip, which may itself be an entry of the published zip."""

    archive: Path
    info: zipfile.ZipInfo

    @property
    def path(self) -> Path:
        return Path(self.info.filename)


def extract_csvs(path: Path, month: date) -> list[Path]:
    """Unpack the month's CSVs beside the zip, in the zip's order.

    Of an archive of a whole year only what bears the month is unpacked; what is filed twice is unpacked
    once.

    Raises:
        UnreadableFileError: it is not a whole zip, unpacks to more than a month can be, or has no CSV.
    """
    try:
        entries = _entries_of_month(path, month)
        _check_size(path, entries)
        targets = [path.with_name(f"{path.name}.{number}.csv") for number in range(len(entries))]
        # Two at a time: unpacking keeps a core busy, and reading what is unpacked comes only afterwards.
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(_extract, entries, targets))
        if not targets:
            with _open_zip(path) as archive:
                names = ", ".join(archive.namelist())
            raise UnreadableFileError(
                f"{path.name}: expected a zip with CSVs of {month:%Y-%m}, but it holds {shortened(names) or 'nothing'}."
                " Look at the publisher's page; load the month again when it is repaired."
            )
    except _NOT_WHOLE as error:
        raise _not_whole(path, error) from error
    except OSError as error:
        # bz2 says so what is wrong with its stream, and a place before the file's beginning is an invalid argument.
        if error.errno in (None, errno.EINVAL):
            raise _not_whole(path, error) from error
        raise
    return targets


def _not_whole(path: Path, error: Exception) -> UnreadableFileError:
    is_zip = zipfile.is_zipfile(path)
    came = shortened(str(error) or type(error).__name__) + ("" if is_zip else f"; {beginning(path)}")
    return UnreadableFileError(
        f"{path.name}: expected a whole zip without a password, but it cannot be read ({came}). Load the month again."
    )


def _too_many_entries(path: Path) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path.name}: expected a zip of at most {MAX_ENTRIES:,} entries, but it has more, which no month has. Look at "
        "the publisher's page; load the month again when it is repaired."
    )


def _is_resource_fork(name: Path) -> bool:
    """Whether macOS filed this entry beside another one."""
    return "__MACOSX" in name.parts or name.name.startswith("._")


def _entries_of_month(path: Path, month: date) -> list[_Entry]:
    """The CSVs to unpack. Zips in the zip are unpacked beside it to look into them."""
    is_of_year = f"{month:%Y%m}" not in path.name
    found: list[_Entry] = []
    inner_zips: list[_Entry] = []
    with _open_zip(path) as archive:
        for info in archive.infolist():
            entry = _Entry(path, info)
            name = entry.path
            if _is_resource_fork(name) or (is_of_year and f"{month:%Y%m}" not in name.name) or info.is_dir():
                continue
            if name.suffix.lower() == ".zip":
                inner_zips.append(entry)
                _check_size(path, inner_zips)
                inner = path.with_name(f"{path.name}.{len(inner_zips)}.zip")
                _extract(entry, inner)
                with _open_zip(inner) as inner_archive:
                    found += [_Entry(inner, inner_info) for inner_info in inner_archive.infolist()]
            else:
                found.append(entry)
            if len(found) > MAX_ENTRIES:
                raise _too_many_entries(path)
    entries: dict[tuple[str, int, int], _Entry] = {}
    for entry in found:
        if entry.path.suffix.lower() == ".csv" and not _is_resource_fork(entry.path) and not entry.info.is_dir():
            entries.setdefault((entry.path.name, entry.info.file_size, entry.info.CRC), entry)
    return _filed_once(list(entries.values()), month) if is_of_year else list(entries.values())


def _filed_once(entries: list[_Entry], month: date) -> list[_Entry]:
    """Of an archive that files a month whole and in parts, or its parts in two folders, one of them.

    The archives of 2013 and 2018 do. The whole month is the one without a number; of parts, those of the
    folder that lies highest are taken.
    """
    whole = [entry for entry in entries if re.fullmatch(rf"{month:%Y%m}-citibike-tripdata\.csv", entry.path.name)]
    if whole:
        return whole[:1]
    places = {(entry.archive, entry.path.parent) for entry in entries}
    place = min(places, key=lambda of: (len(of[1].parts), str(of)), default=None)
    return [entry for entry in entries if (entry.archive, entry.path.parent) == place]


def _check_size(path: Path, entries: list[_Entry]) -> None:
    unpacked = sum(entry.info.file_size for entry in entries)
    # Entries may lie one over another, so that together they have more bytes than the zips that they are in.
    packed = min(
        sum(entry.info.compress_size for entry in entries),
        sum(archive.stat().st_size for archive in {entry.archive for entry in entries}),
    )
    if unpacked > MAX_UNPACKED_BYTES or unpacked > MAX_RATIO * max(packed, 1 << 20):
        raise UnreadableFileError(
            f"{path.name}: expected a month of trips, but {packed:,} bytes would unpack to {unpacked:,}, which no "
            "month has. Look at the publisher's page; load the month again when it is repaired."
        )


def _extract(entry: _Entry, target: Path) -> None:
    """Copy an entry to a name of ours (its own may climb out of the folder), no more than it says it has."""
    if entry.info.flag_bits & _IS_ENCRYPTED:
        raise zipfile.BadZipFile(f"{entry.info.filename!r} is encrypted")
    with _open_zip(entry.archive) as archive, archive.open(entry.info) as unpacked, target.open("wb") as copy:
        shutil.copyfileobj(unpacked, copy, _CHUNK_BYTES)
        if copy.tell() != entry.info.file_size:
            raise zipfile.BadZipFile(f"an entry has {copy.tell():,} bytes instead of {entry.info.file_size:,}")
