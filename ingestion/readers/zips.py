"""Unpacking zips of CSVs, which may have other entries beside them, and zips in the zip; and zips of other files."""

import errno
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ingestion.readers.bounds import MAX_RATIO, MAX_UNPACKED_BYTES, SMALL_FILE_BYTES
from ingestion.readers.csv_pieces import UnpackedCsv, write_pieces
from ingestion.readers.published_file import PublishedFile, shortened

_CHUNK_BYTES = 1 << 20

# The archive of a whole year has about a hundred entries.
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


class _TooManyEntriesError(Exception):
    """A zip has more entries than are looked at."""


class _ZipBytes(io.BufferedReader):
    """The bytes of a zip. A list of entries that is far too long is not read."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY_BYTES:
            raise _TooManyEntriesError
        return super().read(size)


@contextmanager
def _open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with _ZipBytes(path) as content, zipfile.ZipFile(content) as archive:
        if len(archive.infolist()) > MAX_ENTRIES:
            raise _TooManyEntriesError
        yield archive


@dataclass(frozen=True)
class Entry:
    """A CSV in a zip, which may itself be an entry of the published zip."""

    archive: Path
    info: zipfile.ZipInfo

    @property
    def path(self) -> Path:
        """Its name in the zip, with folders."""
        return Path(self.info.filename)


def extract_csvs(
    file: PublishedFile,
    *,
    is_wanted: Callable[[str], bool] = lambda name: True,
    choose: Callable[[list[Entry]], list[Entry]] = lambda entries: entries,
) -> list[UnpackedCsv]:
    """Unpack the CSVs beside the zip, in the zip's order. A CSV that is filed twice is unpacked once.

    Entries of the published zip whose names are not wanted are not looked at. `choose` picks from the CSVs that are
    left.

    Raises:
        UnreadableFileError: it is not a whole zip, is far too large when unpacked, has no such CSV, or one that has
            zero bytes.
    """
    path = file.path
    with _clear_errors(file):
        entries = choose(_csv_entries(file, is_wanted))
        _check_size(file, entries)
        names = [path.with_name(f"{path.name}.{number}.csv") for number in range(len(entries))]
        # Two at a time: unpacking keeps a core busy, and reading what is unpacked comes only afterwards.
        with ThreadPoolExecutor(max_workers=2) as pool:
            unpacked = list(pool.map(partial(_extract_csv, file), entries, names))
        if not unpacked:
            raise _holds_others(file, f"CSVs of {file.partition.key}")
    return unpacked


def extract_one_of_each(file: PublishedFile, suffixes: Sequence[str], most_bytes: int) -> dict[str, Path]:
    """Unpack the one entry of each suffix beside the zip; other entries are not looked at.

    Raises:
        UnreadableFileError: it is not a whole zip, has more bytes than these when unpacked, or has none or several of a
            suffix.
    """
    found: dict[str, list[Entry]] = {suffix: [] for suffix in suffixes}
    with _clear_errors(file):
        with _open_zip(file.path) as archive:
            for info in archive.infolist():
                entry = Entry(file.path, info)
                if entry.path.suffix.lower() in found and not _is_resource_fork(entry.path) and not info.is_dir():
                    found[entry.path.suffix.lower()].append(entry)
        if any(len(entries) != 1 for entries in found.values()):
            raise _holds_others(file, f"one file of each of {', '.join(suffixes)}")
        entries = {suffix: entry for suffix, (entry,) in found.items()}
        _check_size(file, list(entries.values()), most_bytes)
        targets = {suffix: file.path.with_name(f"{file.path.name}{suffix}") for suffix in suffixes}
        for suffix, entry in entries.items():
            _extract(entry, targets[suffix])
    return targets


def _holds_others(file: PublishedFile, expected: str) -> Exception:
    with _open_zip(file.path) as archive:
        names = shortened(", ".join(archive.namelist()))
    return file.unreadable(
        f"a zip with {expected}",
        f"it holds {names or 'nothing'}",
        f"Look at the publisher's page; {file.load_again} when it is repaired.",
    )


@contextmanager
def _clear_errors(file: PublishedFile) -> Iterator[None]:
    try:
        yield
    except _TooManyEntriesError as error:
        raise file.beyond_bounds(f"a zip of at most {MAX_ENTRIES:,} entries", "it has more") from error
    except _NOT_WHOLE as error:
        raise _not_whole(file, error) from error
    except OSError as error:
        # bz2 says so what is wrong with its stream, and a place before the file's beginning is an invalid argument.
        if error.errno in (None, errno.EINVAL):
            raise _not_whole(file, error) from error
        raise


def _not_whole(file: PublishedFile, error: Exception) -> Exception:
    is_zip = zipfile.is_zipfile(file.path)
    came = shortened(str(error) or type(error).__name__) + ("" if is_zip else f"; {file.beginning()}")
    return file.unreadable("a whole zip without a password", f"it cannot be read ({came})")


def _is_resource_fork(name: Path) -> bool:
    """Whether macOS filed this entry beside another one."""
    return "__MACOSX" in name.parts or name.name.startswith("._")


def _csv_entries(file: PublishedFile, is_wanted: Callable[[str], bool]) -> list[Entry]:
    """The CSVs of a zip. Zips in the zip are unpacked beside it to look into them."""
    path = file.path
    found: list[Entry] = []
    inner_zips: list[Entry] = []
    with _open_zip(path) as archive:
        for info in archive.infolist():
            entry = Entry(path, info)
            if _is_resource_fork(entry.path) or not is_wanted(entry.path.name) or info.is_dir():
                continue
            if entry.path.suffix.lower() == ".zip":
                inner_zips.append(entry)
                _check_size(file, inner_zips)
                inner = path.with_name(f"{path.name}.{len(inner_zips)}.zip")
                _extract(entry, inner)
                with _open_zip(inner) as inner_archive:
                    found += [Entry(inner, inner_info) for inner_info in inner_archive.infolist()]
            else:
                found.append(entry)
            if len(found) > MAX_ENTRIES:
                raise _TooManyEntriesError
    entries: dict[tuple[str, int, int], Entry] = {}
    for entry in found:
        if entry.path.suffix.lower() == ".csv" and not _is_resource_fork(entry.path) and not entry.info.is_dir():
            entries.setdefault((entry.path.name, entry.info.file_size, entry.info.CRC), entry)
    return list(entries.values())


def _check_size(file: PublishedFile, entries: list[Entry], most_bytes: int = MAX_UNPACKED_BYTES) -> None:
    unpacked = sum(entry.info.file_size for entry in entries)
    # Entries may lie one over another, so that together they have more bytes than the zips that they are in.
    packed = min(
        sum(entry.info.compress_size for entry in entries),
        sum(archive.stat().st_size for archive in {entry.archive for entry in entries}),
    )
    most = min(most_bytes, MAX_RATIO * max(packed, SMALL_FILE_BYTES))
    if unpacked > most:
        raise file.beyond_bounds(
            f"at most {most:,} bytes when unpacked", f"{packed:,} bytes would unpack to {unpacked:,}"
        )


def _extract(entry: Entry, target: Path) -> None:
    """Copy an entry to a name of ours: its own may lead out of the folder."""
    with target.open("wb") as copy:
        copy.writelines(_contents(entry))


def _extract_csv(file: PublishedFile, entry: Entry, beside: Path) -> UnpackedCsv:
    """Write an entry into pieces that have their names from ours."""
    return write_pieces(file, beside, _contents(entry), entry.info.compress_size)


def _contents(entry: Entry) -> Iterator[bytes]:
    """What is in an entry, bit by bit, and no more than it says it has."""
    if entry.info.flag_bits & _IS_ENCRYPTED:
        raise zipfile.BadZipFile(f"{entry.info.filename!r} is encrypted")
    came = 0
    with _open_zip(entry.archive) as archive, archive.open(entry.info) as unpacked:
        while content := unpacked.read(_CHUNK_BYTES):
            came += len(content)
            yield content
    if came != entry.info.file_size:
        raise zipfile.BadZipFile(f"an entry has {came:,} bytes instead of {entry.info.file_size:,}")
