"""Say in plain words what the libraries of the lakehouse could not do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from warehouse.connection import WarehouseError
from warehouse.full_disk import is_disk_full
from warehouse.lakehouse.exported import ExportError
from warehouse.secrets import scrubbed

# Their errors have no common class.
_LIBRARIES = {"_internal", "botocore", "deltalake", "duckdb", "_duckdb", "pyiceberg", "s3fs", "sqlalchemy", "aiohttp"}
_LONGEST = 300


@contextmanager
def failures_named(what: str) -> Iterator[None]:
    """Turn an error of a disk, a network or a library into an `ExportError`, which holds no secret.

    `what` was to be done, such as `TABLE to s3://bucket`.
    """
    try:
        yield
    except WarehouseError:
        raise
    except Exception as error:
        if not (isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _LIBRARIES):
            raise
        raise ExportError(f"{what}: {said(error)}. {_advice(error)}") from error


def said(error: Exception, longest: int = _LONGEST) -> str:
    """What a library says of an error, on one line and without secrets."""
    # deltalake colours its messages for terminals, and some end with where in its own code that was.
    plain = re.sub(r"\x1b\[[0-9;]*m|↳", "", str(error)).split("\n   0: ")[0]
    text = " ".join(scrubbed(plain).split()) or type(error).__name__
    return (text[:longest] + " …" if len(text) > longest else text).rstrip(".")


def _advice(error: Exception) -> str:
    if is_disk_full(error):
        return "The disk is full. Free some space, and run this again; readers still find what was there before."
    return "Readers still find what was there before. Mend the cause, and run this again."
