"""What can go wrong with a partition. Each message says which file, what was expected, what came, what to do."""

import re

import duckdb

from warehouse.connection import WarehouseError
from warehouse.full_disk import is_disk_full, room_on_disk
from warehouse.paths import database_path
from warehouse.secrets import scrubbed

_MOST_CHARACTERS = 590
_END_CHARACTERS = 200

# What DuckDB adds to what went wrong: how to call its functions otherwise, all their settings, the SQL that it ran.
_ADVICE = re.compile(
    r"\n(?:This type was|Possible (?:solutions|fixes)|\* |  file = )(?s:.*?)all_varchar = \d+\s*"
    r"|\nTry increasing 'sample_size'.*?(?:structure\.|$)"
    r"|\s*\nLINE \d+:.*\n *\^+"
)


class IngestionError(Exception):
    """A partition could not be loaded; nothing that was loaded before is changed.

    `may_pass` says whether it may go better in some minutes, with nobody doing anything about it. No address in the
    message has a password.
    """

    may_pass = True

    def __init__(self, message: str) -> None:
        super().__init__(scrubbed(message))


class NotPublishedError(IngestionError):
    """The publisher does not have the month (yet)."""

    may_pass = False


class DownloadError(IngestionError):
    """The publisher could not be reached, or answered with something else than the file."""


class UnreadableFileError(IngestionError):
    """The file is not what its publisher publishes: broken off, another format, columns missing."""

    may_pass = False


class LoadError(IngestionError):
    """The rows could not be written, or were not all there afterwards."""


def raise_if_interrupted(error: BaseException) -> None:
    """Go on with an interrupt that a library made an error of: it ends the run, not a partition of it.

    DuckDB raises a RuntimeError where Ctrl-C or Dagster interrupts a statement, and dlt may wrap it.

    Raises:
        KeyboardInterrupt: it is one.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt | duckdb.InterruptException) or (
            type(cause) is RuntimeError and str(cause) == "Query interrupted"
        ):
            raise KeyboardInterrupt from error
        cause = cause.__cause__ or cause.__context__


def message_of(error: Exception, what: str) -> str:
    """The message for whatever ended the work on `what`: in one line, without secrets, and below 600 characters.

    The errors above, and WarehouseError, speak for themselves; of any other it says what to do.
    """
    text = _without_advice(str(error))
    if is_disk_full(error):
        text = (
            f"{what}: expected room for the file and its rows, but the disk is full: {room_on_disk(database_path())}. "
            "Nothing that was loaded is changed. Make room, then load the month again."
        )
    elif not isinstance(error, IngestionError | WarehouseError):
        named = type(error).__name__ + (f": {text}" if text else "")
        text = (
            f"{what}: expected the file to be fetched and loaded, but got {named}. Nothing that was loaded is changed. "
            "Load the month again; if it stays so, report it with the traceback in ingestion.log."
        )
    return _shortened(scrubbed(text))


def _without_advice(text: str) -> str:
    return printable(" ".join(_ADVICE.sub("", text).split()))


def printable(text: str) -> str:
    """A text that may have a publisher's words in it, without characters that command a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _shortened(text: str) -> str:
    """A text cut in its middle: what went wrong is at its beginning, what to do at its end."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    return f"{text[: _MOST_CHARACTERS - _END_CHARACTERS - 3]} … {text[-_END_CHARACTERS:]}"
