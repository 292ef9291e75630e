"""Where a run's log goes: everything to a file, warnings to the terminal."""

import logging
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler

from warehouse.paths import LOG_FOLDER_VARIABLE, log_folder
from warehouse.secrets import scrubbed

_FILE_BYTES = 10_000_000
_FILES_KEPT = 5


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))


class _LogFile(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Ignore a line that cannot be written: on a full disk each one would print a traceback."""


def configure_logging(file_name: str = "ingestion.log", packages: Sequence[str] = ("ingestion", "warehouse")) -> None:
    """Write what these packages log to a file, one line for each event, rotated at 10 MB. Print only warnings.

    The command prints failures in its table, so the log does not print them again. Their tracebacks are in the file
    alone. Passwords of addresses are in neither.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.addFilter(lambda record: record.levelno < logging.ERROR)
    terminal.setFormatter(_Formatter("%(message)s"))
    for name in packages:
        package = logging.getLogger(name)
        package.setLevel(logging.DEBUG)
        package.handlers = [terminal]
    try:
        file = _file_handler(file_name)
    except OSError as error:
        # Loading goes on without a log file: the ledger has the results.
        logging.getLogger(__name__).warning(
            "no log file is written: %s. Set %s to another folder.", error, LOG_FOLDER_VARIABLE
        )
    else:
        for name in packages:
            logging.getLogger(name).addHandler(file)


def _file_handler(file_name: str) -> RotatingFileHandler:
    folder = log_folder()
    folder.mkdir(parents=True, exist_ok=True)
    file = _LogFile(folder / file_name, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT)
    file.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return file
