"""What is said of an error of DuckDB, dlt or the disk that ended a load."""

import re

import duckdb

from ingestion.errors import LoadError
from ingestion.readers.published_file import PublishedFile
from warehouse.paths import database_path


def cause_of(error: Exception) -> Exception:
    """The error of DuckDB or the disk that others were raised for; the error itself where there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, duckdb.Error | OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def explained(file: PublishedFile, error: Exception) -> Exception:
    """The error to tell people, for one that came while the rows of a file were written."""
    cause = cause_of(error)
    if isinstance(cause, OSError):
        return cause
    if isinstance(cause, duckdb.Error) and not _is_ours(cause):
        return file.wrong_values(cause)
    room = "free space on its disk, and " if re.search("space|too large", str(cause)) else ""
    return LoadError(
        f"{file.partition}: expected the rows to be written to {database_path()}, but {file.reason(cause)}. "
        f"Nothing was changed. {f'{room}{file.load_again}'.capitalize()}."
    )


def _is_ours(error: duckdb.Error) -> bool:
    """Whether an error comes from writing (a full disk, memory, another transaction) and not from the values read."""
    if isinstance(error, duckdb.IOException):
        return bool(re.search("space|too large|write|lock|create|sync", str(error)))
    return isinstance(
        error,
        duckdb.OutOfMemoryException | duckdb.TransactionException | duckdb.FatalException | duckdb.CatalogException,
    )
