"""What maintenance is made of: items that know nothing of each other, so that one that fails stops no other."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from warehouse.connection import WarehouseBusyError, WarehouseError
from warehouse.secrets import scrubbed

logger = logging.getLogger(__name__)

_LONGEST_MESSAGE = 600


@dataclass(frozen=True)
class Found:
    """What an item gave back, in words and bytes; in a dry run, what it would. `is_nothing` if there was nothing."""

    said: str
    bytes: int = 0
    is_nothing: bool = False


@dataclass(frozen=True)
class Item:
    """A thing to maintain. `work` takes whether it is a dry run, in which it must change nothing.

    If somebody has what it needs it raises a `WarehouseBusyError`, at once: maintenance waits for nobody.
    """

    name: str
    work: Callable[[bool], Found]


@dataclass(frozen=True)
class Outcome:
    """What became of an item. `skipped` is what somebody else has in use; the next maintenance does it."""

    item: str
    status: Literal["done", "nothing", "skipped", "failed"]
    said: str
    bytes: int = 0


def maintain(items: Iterable[Item], *, dry_run: bool = False) -> list[Outcome]:
    """Work on all items, one after the other. None stops another; those that failed say why."""
    return [_outcome(item, dry_run) for item in items]


def _outcome(item: Item, dry_run: bool) -> Outcome:
    try:
        found = item.work(dry_run)
    except WarehouseBusyError as error:
        return Outcome(item.name, "skipped", f"in use by {error.holder}; the next maintenance does it")
    except WarehouseError as error:
        return Outcome(item.name, "failed", scrubbed(str(error)))
    except Exception as error:
        # Whatever it is, the other items must go on. The log has the traceback.
        logger.exception("maintenance: %s failed", item.name)
        return Outcome(item.name, "failed", scrubbed(f"{type(error).__name__}: {error}")[:_LONGEST_MESSAGE])
    return Outcome(item.name, "nothing" if found.is_nothing else "done", scrubbed(found.said), found.bytes)


def nothing(said: str) -> Found:
    """There was nothing to do."""
    return Found(said, is_nothing=True)


def retention_days(variable: str, default: int) -> int:
    """How many days to keep something, as an environment variable says.

    Raises:
        WarehouseError: the setting is not a whole number of at least 1.
    """
    text = os.environ.get(variable) or str(default)
    # Ten thousand years from now dates end.
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 100_000):
        raise WarehouseError(f"expected {variable} to be a whole number of days of at least 1, but got {text!r}")
    return int(text)


def files_in(folder: Path) -> Iterator[Path]:
    """Every file in a folder and the folders in it; links are not followed, and are not files."""
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in files_in(path))


def megabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:,.1f} MB"
