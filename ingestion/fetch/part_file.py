"""A file on disk while it is being downloaded."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from ingestion.errors import DownloadError
from ingestion.fetch.exchange import Exchange


class PartFile:
    """What has come of a file so far. It gets its name only when it is whole.

    `received` is how many bytes have come, and `expected` how many there will be, where the publisher said so.
    """

    def __init__(self, folder: Path, exchange: Exchange) -> None:
        self.path = folder / _file_name(exchange.address)
        self.part = self.path.with_name(f"{self.path.name}.part")
        self.received = 0
        self.expected: int | None = None
        self._exchange = exchange

    @contextmanager
    def opened(self) -> Iterator[Callable[[bytes], None]]:
        """Open it and give the function that adds a piece to its end.

        Raises:
            DownloadError: it cannot be written.
        """
        try:
            with self.part.open("ab" if self.received else "wb") as file:

                def write(piece: bytes) -> None:
                    file.write(piece)
                    self.received += len(piece)

                yield write
        except requests.RequestException:
            raise  # an error of the network, though it is an OSError
        except OSError as error:
            raise self.disk_error(error) from error

    def finish(self) -> Path:
        """Give the file its name.

        Raises:
            DownloadError: it cannot be renamed.
        """
        try:
            return self.part.replace(self.path)
        except OSError as error:
            raise self.disk_error(error) from error

    def discard(self) -> None:
        """Remove what has come; the next piece is the first one again."""
        self.received = 0
        self.part.unlink(missing_ok=True)

    def amount(self) -> str:
        """How much has come, in words; empty where nothing has."""
        if not self.received:
            # Where a body breaks off in its first piece, nobody knows at which byte.
            return "its first bytes" if self.part.exists() else ""
        return f"{self.received:,}" + (f" of {self.expected:,}" if self.expected is not None else "") + " bytes"

    def disk_error(self, error: OSError) -> DownloadError:
        """What went wrong with the disk, and what to do about it."""
        folder, what = self.path.parent, self._exchange
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return DownloadError(
                f"{what.address}: expected to write the file to {folder}, but got: {error.strerror or error}. "
                f"Check the folder, then {what.again}."
            )
        needed = f"{self.expected:,} bytes" if self.expected is not None else f"more than {self.received:,} bytes"
        self.discard()
        return DownloadError(
            f"{what.address}: expected room for {needed} in {folder}, but the disk is full: "
            f"{shutil.disk_usage(folder).free:,} bytes are free. Make room, then {what.again}."
        )


def _file_name(address: str) -> str:
    """The name that a file has on disk, whatever its address is."""
    try:
        name = Path(unquote(urlsplit(address).path)).name
    except ValueError:
        name = ""
    return "download" if name in ("", "..") or "\0" in name else name[-200:]
