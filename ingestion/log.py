"""Where a run's log goes: all of it to a file, what needs an eye to the terminal."""

import logging
from logging.handlers import RotatingFileHandler

from warehouse.paths import LOG_FOLDER_VARIABLE, log_folder
from warehouse.secrets import scrubbed

_FILE_BYTES = 10_000_000
_FILES_KEPT = 5
_PACKAGES = ("ingestion", "warehouse")


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))


class _LogFile(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing of a line that could not be written: on a full disk each would be a traceback in the terminal."""


def configure_logging() -> None:
    """Write `ingestion.log`, a line an event, rotated at 10 MB; print only warnings such as waiting for the database.

    The traceback of a failure is in the file alone, and no password of an address is in either. Failures are in
    the table that the command prints, so that the terminal does not say them twice.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.addFilter(lambda record: record.levelno < logging.ERROR)
    terminal.setFormatter(_Formatter("%(message)s"))
    for name in _PACKAGES:
        package = logging.getLogger(name)
        package.setLevel(logging.DEBUG)
        package.handlers = [terminal]
    try:
        file = _file_handler()
    except OSError as error:
        # Months are loaded all the same: the ledger says what became of them.
        logging.getLogger(__name__).warning(
            "no log file is written: %s. Set %s to another folder.", error, LOG_FOLDER_VARIABLE
        )
    else:
        for name in _PACKAGES:
            logging.getLogger(name).addHandler(file)


def _file_handler() -> RotatingFileHandler:
    folder = log_folder()
    folder.mkdir(parents=True, exist_ok=True)
    file = _LogFile(folder / "ingestion.log", maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT)
    file.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return file
