"""Unpacking a CSV into pieces of whole lines.

DuckDB reads a CSV by several threads only where it need not number its rows. Pieces are read side by side, each by one
thread that numbers its rows; where its first row is in the whole CSV is known from the lines before.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ingestion.readers.bounds import MAX_RATIO, MAX_UNPACKED_BYTES, SMALL_FILE_BYTES
from ingestion.readers.csvs import Lines
from ingestion.readers.gzips import BrokenGzipError, unpacked_pieces
from ingestion.readers.published_file import PublishedFile

# Four row groups of DuckDB. It merges pieces of fewer than about three at the next checkpoint: then it writes their
# rows twice, and the file is twice as large. With more, threads end at different times.
_LEAST_LINES = 4 * 122_880
# Of a very large file pieces are larger, so that there are not too many.
_LEAST_SHARE_OF_PACKED = 0.25


@dataclass(frozen=True)
class Piece:
    """A part of a CSV, in a file of its own. Only the first one has the header.

    `first_row` is the position of its first row in the whole CSV, if each line is a row.
    """

    path: Path
    first_row: int


@dataclass(frozen=True)
class UnpackedCsv:
    """A CSV in pieces, its size, and what was seen of its lines on the way."""

    pieces: tuple[Piece, ...]
    bytes: int
    lines: Lines

    def joined(self) -> Path:
        """The whole CSV in one file. The pieces are gone then."""
        whole, *others = (piece.path for piece in self.pieces)
        with whole.open("ab") as target:
            for path in others:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, target)
                path.unlink()
        return whole


def unpack_gzip(file: PublishedFile) -> UnpackedCsv:
    """Unpack a file of gzip beside itself.

    Raises:
        UnreadableFileError: it is not a whole file of gzip, is far larger than a file should be, or has zero bytes.
    """
    packed = file.path.stat().st_size
    most = min(MAX_UNPACKED_BYTES, max(SMALL_FILE_BYTES, packed) * MAX_RATIO)

    def within_bounds() -> Iterable[bytes]:
        unpacked = 0
        for content in unpacked_pieces(file.path):
            unpacked += len(content)
            if unpacked > most:
                raise file.beyond_bounds(f"at most {most:,} bytes when unpacked", "it has more")
            yield content

    try:
        return write_pieces(file, file.path, within_bounds(), packed)
    except BrokenGzipError as error:
        raise file.unreadable("a whole file of gzip", f"it cannot be unpacked ({error})") from error


def write_pieces(file: PublishedFile, beside: Path, contents: Iterable[bytes], packed: int) -> UnpackedCsv:
    """Write a CSV that comes bit by bit into pieces beside a path, from which they have their names.

    `packed` is how many bytes it has as published.

    Raises:
        UnreadableFileError: it has zero bytes.
    """
    lines = Lines(file, are_rows_counted=True)
    writer = _Writer(beside, int(packed * _LEAST_SHARE_OF_PACKED))
    with writer:
        for content in contents:
            writer.write(content, lines.add(content))
    return UnpackedCsv(tuple(writer.pieces), writer.bytes, lines)


class _Writer:
    """Writes one piece after the other. A piece ends with the last line end of what made it large enough."""

    def __init__(self, beside: Path, least_bytes: int) -> None:
        self._beside = beside
        self._least_bytes = least_bytes
        self._line_ends = self._line_ends_before = 0
        self.bytes = 0
        self.pieces: list[Piece] = []
        self._begin()

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._target.close()

    def write(self, content: bytes, line_ends: int) -> None:
        """Add what comes next, which has so many line ends."""
        self.bytes += len(content)
        self._line_ends += line_ends
        end = content.rfind(b"\n") + 1
        lines = self._line_ends - self._line_ends_before
        if end and lines >= _LEAST_LINES and self._target.tell() + end >= self._least_bytes:
            self._target.write(content[:end])
            self._target.close()
            self._begin()
            content = content[end:]
        self._target.write(content)

    def _begin(self) -> None:
        path = self._beside.with_name(f"{self._beside.name}.{len(self.pieces)}.unpacked")
        # The first line is the header.
        self.pieces.append(Piece(path, max(0, self._line_ends - 1)))
        self._line_ends_before = self._line_ends
        self._target = path.open("wb")
