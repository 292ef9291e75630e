"""Unpacking Citi Bike's zips: several CSVs, beside entries that are none, sometimes zips in the zip."""

import re
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

from ingestion.errors import UnreadableFileError

_CHUNK_BYTES = 1 << 20

# A month has about 0.8 GB of CSV and packs to a third or a seventh. Far beyond that is no month but a zip bomb.
MAX_UNPACKED_BYTES = 20_000_000_000
MAX_RATIO = 100


@dataclass(frozen=True)
class _Entry:
    """A CSV in a zip, which may itself be an entry of the published zip."""

    archive: Path
    name: str
    size: int
    packed: int
    checksum: int


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
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UnreadableFileError(
            f"{path.name}: expected a whole zip, but it cannot be read ({error}). Load the month again."
        ) from error
    if not targets:
        with zipfile.ZipFile(path) as archive:
            names = ", ".join(archive.namelist()) or "nothing"
        raise UnreadableFileError(
            f"{path.name}: expected a zip with CSVs of {month:%Y-%m}, but it holds {names}. "
            "Look at the publisher's page; load the month again when it is repaired."
        )
    return targets


def _is_resource_fork(name: Path) -> bool:
    """Whether macOS filed this entry beside another one."""
    return "__MACOSX" in name.parts or name.name.startswith("._")


def _entries_of_month(path: Path, month: date) -> list[_Entry]:
    """The CSVs to unpack. Zips in the zip are unpacked beside it to look into them."""
    is_of_year = f"{month:%Y%m}" not in path.name
    entries: dict[tuple[str, int, int], _Entry] = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = Path(info.filename)
            if _is_resource_fork(name) or (is_of_year and f"{month:%Y%m}" not in name.name):
                continue
            if name.suffix.lower() == ".zip":
                _check_size(path, [_entry(path, info)])
                inner = path.with_name(f"{path.name}.{len(entries)}.zip")
                with archive.open(info) as packed:
                    _copy(packed, inner, info.file_size)
                with zipfile.ZipFile(inner) as inner_archive:
                    found = [_entry(inner, inner_info) for inner_info in inner_archive.infolist()]
            else:
                found = [_entry(path, info)]
            for entry in found:
                entry_name = Path(entry.name)
                if entry_name.suffix.lower() == ".csv" and not _is_resource_fork(entry_name):
                    entries.setdefault((entry_name.name, entry.size, entry.checksum), entry)
    return _filed_once(list(entries.values()), month) if is_of_year else list(entries.values())


def _filed_once(entries: list[_Entry], month: date) -> list[_Entry]:
    """Of an archive that files a month whole and in parts, or its parts in two folders, one of them.

    The archives of 2013 and 2018 do. The whole month is the one without a number; of parts, those of the
    folder that lies highest are taken.
    """
    whole = [entry for entry in entries if re.fullmatch(rf"{month:%Y%m}-citibike-tripdata\.csv", Path(entry.name).name)]
    if whole:
        return whole[:1]
    places = {(entry.archive, Path(entry.name).parent) for entry in entries}
    place = min(places, key=lambda of: (len(of[1].parts), str(of)), default=None)
    return [entry for entry in entries if (entry.archive, Path(entry.name).parent) == place]


def _entry(archive: Path, info: zipfile.ZipInfo) -> _Entry:
    return _Entry(archive, info.filename, info.file_size, info.compress_size, info.CRC)


def _check_size(path: Path, entries: list[_Entry]) -> None:
    unpacked, packed = sum(entry.size for entry in entries), sum(entry.packed for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or unpacked > MAX_RATIO * max(packed, 1 << 20):
        raise UnreadableFileError(
            f"{path.name}: expected a month of trips, but {packed:,} bytes would unpack to {unpacked:,}, which no "
            "month has. Look at the publisher's page; load the month again when it is repaired."
        )


def _extract(entry: _Entry, target: Path) -> None:
    with zipfile.ZipFile(entry.archive) as archive, archive.open(entry.name) as unpacked:
        _copy(unpacked, target, entry.size)


def _copy(source: IO[bytes], target: Path, declared: int) -> None:
    """Copy an entry to a name of ours (its own may climb out of the folder), no more than it says it has."""
    with target.open("wb") as copy:
        shutil.copyfileobj(source, copy, _CHUNK_BYTES)
        if copy.tell() != declared:
            raise zipfile.BadZipFile(f"an entry has {copy.tell():,} bytes instead of {declared:,}")
