"""What can go wrong with a partition. Each message says which file, what was expected, what came, what to do."""

import re

import duckdb

from warehouse.connection import WarehouseError
from warehouse.full_disk import is_disk_full, room_on_disk
from warehouse.paths import database_path
from warehouse.periods import Grain
from warehouse.secrets import scrubbed

_MOST_CHARACTERS = 590
_END_CHARACTERS = 200

# What DuckDB adds to what went wrong: advice on calling its functions, all their settings, and the SQL that it ran.
_ADVICE = re.compile(
    r"\n(?:This type was|Possible (?:solutions|fixes)|\* |  file = )(?s:.*?)all_varchar = \d+\s*"
    r"|\nTry increasing 'sample_size'.*?(?:structure\.|$)"
    r"|\s*\nLINE \d+:.*\n *\^+"
)


class IngestionError(Exception):
    """A partition could not be loaded; nothing that was loaded before is changed.

    `is_transient` says whether it may go better in some minutes, though nobody does anything about it. No address in
    the message has a password.
    """

    is_transient = True

    def __init__(self, message: str) -> None:
        super().__init__(scrubbed(message))


class NotPublishedError(IngestionError):
    """The publisher does not have the file (yet)."""

    is_transient = False


class DownloadError(IngestionError):
    """The publisher could not be reached, or its answer is not the file."""


class RefusedError(DownloadError):
    """The publisher does not give the file to whoever has these keys: they are wrong or do not cover it."""

    is_transient = False


class SettingError(DownloadError):
    """A setting or key is missing, or cannot be one. Nobody was asked."""

    is_transient = False


class UnreadableFileError(IngestionError):
    """The file is not what its publisher publishes: it is broken off, of another format, or lacks columns."""

    is_transient = False


class LoadError(IngestionError):
    """The rows could not be written, or were not all there afterwards."""


def load_again(grain: Grain) -> str:
    """What to do about a file that was damaged on its way, such as "load the month again"."""
    return f"load the {grain} again"


def raise_if_interrupted(error: BaseException) -> None:
    """Raise the interrupt again that a library turned into an error: it ends the run, not one partition of it.

    DuckDB raises a RuntimeError where Ctrl-C or Dagster interrupts a statement, and dlt may wrap it.

    Raises:
        KeyboardInterrupt: the error is an interrupt.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt | duckdb.InterruptException) or (
            type(cause) is RuntimeError and str(cause) == "Query interrupted"
        ):
            raise KeyboardInterrupt from error
        cause = cause.__cause__ or cause.__context__


def message_of(error: Exception, what: str, again: str = "load it again") -> str:
    """The message for whatever ended the work on `what`: in one line, without secrets, under 600 characters.

    The errors above, and WarehouseError, say themselves what to do; for any other it is `again`, as of `load_again`.
    """
    text = _without_advice(str(error))
    if is_disk_full(error):
        text = (
            f"{what}: expected room for the file and its rows, but the disk is full: {room_on_disk(database_path())}. "
            f"Nothing that was loaded is changed. Make room, then {again}."
        )
    elif not isinstance(error, IngestionError | WarehouseError):
        named = type(error).__name__ + (f": {text}" if text else "")
        text = (
            f"{what}: expected the file to be fetched and loaded, but got {named}. Nothing that was loaded is changed. "
            f"{again.capitalize()}; if it stays so, report it with the traceback in ingestion.log."
        )
    return _shortened(scrubbed(text))


def _without_advice(text: str) -> str:
    return printable(" ".join(_ADVICE.sub("", text).split()))


def printable(text: str) -> str:
    """A text that may have a publisher's words in it, without characters that control a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _shortened(text: str) -> str:
    """A text that is cut in the middle, because it begins with what went wrong and ends with what to do."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    return f"{text[: _MOST_CHARACTERS - _END_CHARACTERS - 3]} … {text[-_END_CHARACTERS:]}"
