"""Every stand-in and command of every subject. A subject is a folder of this package with `STAND_INS` in it."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import sandbox
from sandbox.commands import Command
from sandbox.stand_ins import FileStandIn, StandIn


def _declared(name: str) -> Iterator[Any]:
    for module in pkgutil.iter_modules(sandbox.__path__):
        if module.ispkg:
            yield from getattr(importlib.import_module(f"sandbox.{module.name}"), name, ())


STAND_INS: tuple[StandIn, ...] = tuple(_declared("STAND_INS"))

COMMANDS: tuple[Command, ...] = tuple(_declared("COMMANDS"))

FEEDS_SERVED: tuple[str, ...] = tuple(feed for stand_in in STAND_INS for feed in stand_in.feeds)

# Those of them that have files.
FILE_FEEDS: tuple[str, ...] = tuple(
    feed for stand_in in STAND_INS if isinstance(stand_in, FileStandIn) for feed in stand_in.feeds
)


def stand_in_of(feed: str) -> StandIn:
    """The stand-in that serves a feed.

    Raises:
        ValueError: none does.
    """
    for stand_in in STAND_INS:
        if feed in stand_in.feeds:
            return stand_in
    raise ValueError(f"the sandbox does not serve {feed!r}: expected one of {', '.join(FEEDS_SERVED)}")


def file_stand_in_of(feed: str) -> FileStandIn:
    """The stand-in that makes files of a feed.

    Raises:
        ValueError: the feed has no files here.
    """
    stand_in = stand_in_of(feed) if feed in FILE_FEEDS else None
    if not isinstance(stand_in, FileStandIn):
        raise ValueError(f"the sandbox has no files of {feed!r}: expected one of {', '.join(FILE_FEEDS)}")
    return stand_in


def stand_in_at(path: str) -> tuple[StandIn, str] | None:
    """The stand-in that a path without leading slash belongs to, and the rest of the path; None where there is none."""
    for stand_in in STAND_INS:
        if path == stand_in.path or path.startswith(f"{stand_in.path}/"):
            return stand_in, path.removeprefix(stand_in.path).removeprefix("/")
    return None
