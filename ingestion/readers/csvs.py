"""What is not left to DuckDB when a CSV is read: its header, and the proof that no row was lost."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingestion.errors import UnreadableFileError
from ingestion.readers.columns import check_names
from ingestion.readers.published_file import PublishedFile, beginning

_MAX_HEADER_LETTERS = 100_000
_CHUNK_BYTES = 1 << 20
_NEW_LINE, _RETURN = b"\n\r"
_UTF_16 = "it is UTF-16"
_BYTE_ORDER_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Header:
    """A CSV's column names, each once; those that are empty are blanks, as many as tell them apart.

    `new_line` is the line ending as DuckDB's option spells it, where DuckDB would take another one for it.
    """

    names: tuple[str, ...]
    new_line: str | None


def read_header(csv_path: Path, file: PublishedFile) -> Header:
    """The first row of a CSV, which is (a part of) the published file.

    Raises:
        UnreadableFileError: it is not a row of UTF-8 text, is far too long, or has the same name twice.
    """
    try:
        with csv_path.open(encoding="utf-8-sig", newline="") as opened:
            text = opened.read(_MAX_HEADER_LETTERS)
        lines = io.StringIO(text, newline="")
        names = next(csv.reader(lines), [])
    except UnicodeDecodeError as error:
        raise _not_csv(file, f"{_encoding(csv_path)} ({error.reason}); {beginning(csv_path)}") from error
    except csv.Error as error:
        raise _not_csv(file, f"it is not a CSV ({error})") from error
    row = text[: lines.tell()]
    if len(row) == _MAX_HEADER_LETTERS:
        raise _not_csv(file, f"it has {_MAX_HEADER_LETTERS:,} letters or more; {beginning(csv_path)}")
    check_names(names, file)
    named = tuple(name if name.strip() else " " * (position + 1) for position, name in enumerate(names))
    # DuckDB takes the first line ending that it sees, also one between quotes, and then loses rows.
    is_broken = any("\n" in name or "\r" in name for name in names)
    return Header(named, (r"\r\n" if row.endswith("\r\n") else r"\n") if is_broken else None)


def check_rows(csv_path: Path, file: PublishedFile, rows: int) -> None:
    """Refuse to go on if not every row after the header was read.

    Raises:
        UnreadableFileError: there are more or fewer, or zero bytes where rows should be.
    """
    # In all files so far each row is a line. Only where that is not so, the rows are counted one by one.
    if _lines(csv_path, file) == rows + 1:
        return
    try:
        with csv_path.open(encoding="utf-8-sig", newline="") as opened:
            published = sum(1 for row in csv.reader(opened) if row) - 1
    except (csv.Error, UnicodeDecodeError) as error:
        raise _not_csv(file, f"its rows cannot be counted ({error})") from error
    if published != rows:
        raise _not_csv(file, f"{rows:,} of its {published:,} rows can be read; its line endings may be mixed")


class Lines:
    """What the bytes of a CSV say, piece by piece, of its lines.

    With `are_rows_counted` blank lines and quotes are not looked for: where a line is blank, or a line end is quoted,
    fewer rows are read than there are lines, and who counts them sees it.
    `has_underscore` says whether one is anywhere in its rows: DuckDB reads 1_000 as a number.
    """

    def __init__(self, file: PublishedFile, *, are_rows_counted: bool = False) -> None:
        self._file = file
        self._are_rows_counted = are_rows_counted
        self._last = b""
        self._ends = self._returns = self._returns_before_ends = 0
        self._has_odd_rows = False
        self.has_underscore = False

    @classmethod
    def of(cls, csv_path: Path, file: PublishedFile) -> "Lines":
        """The lines of a CSV.

        Raises:
            UnreadableFileError: it has zero bytes where rows should be.
        """
        lines = cls(file)
        with csv_path.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                lines.add(chunk)
        return lines

    def add(self, piece: bytes) -> int:
        """Look at the next piece, which has at least one byte; gives how many line ends it has.

        Raises:
            UnreadableFileError: it has zero bytes where rows should be.
        """
        if b"\0" in piece:
            # The file's own beginning, where this is its first piece.
            raise _zero_bytes(self._file, b"" if self._last else piece)
        # What lies across two pieces, too.
        across = self._last + piece[:1]
        # Bytes can count as well, but take several times as long, and let no other thread work meanwhile.
        letters = np.frombuffer(piece, np.uint8)
        ends = letters == _NEW_LINE
        if not self._are_rows_counted:
            has_blank_line = _follow(ends, ends) > 0 or across in (b"\n\n", b"\n\r")
            self._has_odd_rows |= has_blank_line or b'"' in piece
        # The header does not count: names have underscores.
        rows = piece if self._ends else piece.partition(b"\n")[2]
        self.has_underscore = self.has_underscore or b"_" in rows
        ends_here = int(np.count_nonzero(ends))
        self._ends += ends_here
        if b"\r" in piece or self._last == b"\r":
            returns = letters == _RETURN
            self._has_odd_rows |= _follow(ends, returns) > 0
            self._returns += int(np.count_nonzero(returns))
            self._returns_before_ends += _follow(returns, ends) + (across == b"\r\n")
        self._last = piece[-1:]
        return ends_here

    @property
    def rows(self) -> int | None:
        """How many rows there are after the header, if each line is a row; None if that is not sure."""
        if self._has_odd_rows or self._returns != self._returns_before_ends:
            return None
        return self._ends - (self._last == b"\n")


def _follow(first: np.ndarray, second: np.ndarray) -> int:
    """How often what is marked in the first array comes right before what is marked in the second."""
    return int(np.count_nonzero(first[:-1] & second[1:]))


def _lines(csv_path: Path, file: PublishedFile) -> int:
    lines, last = 0, b"\n"
    with csv_path.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            if b"\0" in chunk:
                raise _zero_bytes(file)
            lines += chunk.count(b"\n")
            last = chunk
    return lines + (not last.endswith(b"\n"))


def _zero_bytes(file: PublishedFile, start: bytes = b"") -> UnreadableFileError:
    if _is_utf_16(start):
        return _not_csv(file, _UTF_16)
    return _not_csv(file, "it has zero bytes, as a file has that was not written to its end")


def _encoding(csv_path: Path) -> str:
    with csv_path.open("rb") as file:
        return _UTF_16 if _is_utf_16(file.read(2)) else "it is in another encoding"


def _is_utf_16(start: bytes) -> bool:
    return start[:2] in _BYTE_ORDER_MARKS_OF_UTF_16


def _not_csv(file: PublishedFile, came: str) -> UnreadableFileError:
    return file.unreadable(
        f"CSVs in UTF-8 with a header of at most {_MAX_HEADER_LETTERS:,} letters",
        came,
        f"{file.load_again.capitalize()}; if it stays so, look at the publisher's page.",
    )
