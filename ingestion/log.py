"""Where a run's log goes: all of it to a file, what needs an eye to the terminal."""

import logging
from logging.handlers import RotatingFileHandler

from warehouse.paths import LOG_FOLDER_VARIABLE, log_folder

_FILE_BYTES = 10_000_000
_FILES_KEPT = 5
_PACKAGES = ("ingestion", "warehouse")


def configure_logging() -> None:
    """Write `ingestion.log`, a line an event, rotated at 10 MB; print only warnings such as waiting for the database.

    Failures are in the table that the command prints, so that the terminal does not say them twice.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.addFilter(lambda record: record.levelno < logging.ERROR)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    for name in _PACKAGES:
        package = logging.getLogger(name)
        package.setLevel(logging.INFO)
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
    file = RotatingFileHandler(folder / "ingestion.log", maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return file
