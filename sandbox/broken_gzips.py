"""CSVs in gzip, and copies of them with something wrong in them."""

import gzip
from collections.abc import Iterable
from itertools import chain, repeat
from pathlib import Path

from ingestion.feeds import Feed
from sandbox.broken_csvs import broken_csv
from sandbox.broken_files import FileFormat
from sandbox.faults import TABLE_FAULTS, Fault

_LEVEL = 4  # a third of the time of the usual 6, for a tenth more bytes
_CHUNK_BYTES = 1 << 20
# More than anybody may unpack of a file of this size.
_BOMB_BYTES = 3_000_000_000


def compress_file(plain: Path, path: Path) -> None:
    """Compress a file. The bytes depend on its content alone, not on its name or the clock."""
    with plain.open("rb") as content:
        _write_gzip(path, iter(lambda: content.read(_CHUNK_BYTES), b""))


def _write_gzip(path: Path, chunks: Iterable[bytes]) -> None:
    with path.open("wb") as file, gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
        for chunk in chunks:
            packed.write(chunk)


def _write_broken(feed: Feed, whole: Path, path: Path, fault: Fault) -> None:
    content = gzip.decompress(whole.read_bytes())
    if fault is Fault.ZIP_BOMB:
        header = content[: content.index(b"\n") + 1]
        _write_gzip(path, chain([header], repeat(bytes(_CHUNK_BYTES), _BOMB_BYTES // _CHUNK_BYTES)))
    else:
        _write_gzip(path, [broken_csv(feed, content, fault)])


CSV_IN_GZIP = FileFormat(TABLE_FAULTS | {Fault.ZIP_BOMB}, _write_broken)
