"""Clear messages for when a folder or bucket cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from warehouse.full_disk import is_disk_full, room_on_disk
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.location import Location
from warehouse.secrets import scrubbed

_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "403")
_ANSWER_LENGTH = 200


@contextmanager
def clear_errors(to: Location) -> Iterator[None]:
    """Turn errors while something is written to a place into messages that say what to do.

    Raises:
        ExportError: it could not be written.
    """
    try:
        yield
    except (OSError, duckdb.Error) as error:
        raise ExportError(_explain(to, error)) from error
    except Exception as error:
        # botocore's errors have a base of their own, which is imported only with S3.
        if not _is_botocores(error):
            raise
        raise ExportError(_explain(to, error)) from error


def _is_botocores(error: BaseException) -> bool:
    return any(each.__module__.startswith("botocore.") for each in type(error).__mro__)


def _explain(to: Location, error: Exception) -> str:
    if is_disk_full(error):
        folder = room_on_disk(to.path) if not to.is_s3 else "the disk of PUBLISHED_FOLDER"
        return f"{to.url}: expected to write there, but the disk is full: {folder}. Make room, then run this again."
    said = scrubbed(" ".join(str(error).split()))[:_ANSWER_LENGTH] or type(error).__name__
    if isinstance(error, duckdb.Error):
        return (
            f"{to.url}: expected to read the release and to make files of it, but got: {said}. Export again; if that "
            "ends the same way, publish first: nyc publish"
        )
    if not to.is_s3 or getattr(error, "filename", None):
        return f"{to.url}: expected to write there, but got: {said}. Check the folder, then run this again."
    return _explain_s3(to, _code(error), said)


def _explain_s3(to: Location, code: str, said: str) -> str:
    if code == "NoSuchBucket":
        return f"{to.url}: expected the bucket {to.bucket!r}, but there is none ({said}). Create it, or name another."
    if code in _REFUSED:
        return (
            f"{to.url}: the bucket {to.bucket!r} refuses: {code}: {said}. Check AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY; they must be allowed to list, read, write and delete there. Then run this again."
        )
    if not code:
        return f"{to.url}: S3 cannot be reached: {said}. Check AWS_ENDPOINT_URL and AWS_REGION, then run this again."
    return f"{to.url}: the bucket {to.bucket!r} answered {code}: {said}. Run this again."


def _code(error: BaseException | None) -> str:
    """What S3 calls the error; empty if it gave no answer."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""
