"""Delete the files of a table's folder that the table does not need."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from warehouse.lakehouse.location import Location

# A younger file may be of an export that has not committed yet.
_MAY_BE_OF_AN_EXPORT = timedelta(hours=1)


@dataclass(frozen=True)
class Freed:
    """What was deleted. `bytes` are those given back: a file that a release has too, as a link, counts none."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Freed") -> "Freed":
        return Freed(self.files + other.files, self.bytes + other.bytes)


def folders(folder: Location) -> Iterator[Location]:
    """The folders in a folder; none if there is no such folder."""
    try:
        entries = folder.filesystem().ls(folder.url, detail=True, refresh=True)
    except FileNotFoundError:
        return
    for name in sorted(entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if _is_folder(entry)):
        yield folder.joined(name)


def delete_others(folder: Location, needed: Collection[str], now: datetime, not_below: str | None = None) -> Freed:
    """Delete the files below a folder that are neither needed nor younger than an hour.

    `needed` are names relative to the folder; files below its folder `not_below` stay too.
    """
    files = folder.filesystem()
    freed = Freed()
    for path in sorted(files.find(folder.url)):
        name = _relative(path, folder)
        if name in needed or (not_below and name.startswith(f"{not_below}/")):
            continue
        # Asked now, not when the folder was listed: an export may just have put the file anew.
        if (bytes_ := _bytes_if_old(files, path, now - _MAY_BE_OF_AN_EXPORT)) is not None:
            files.rm_file(path)
            freed += Freed(1, bytes_)
    return freed


def abort_uploads(folder: Location, now: datetime) -> None:
    """End uploads in parts that a crash left in S3. Nobody sees them, but they are paid for."""
    if not folder.is_s3:
        return
    files = folder.filesystem()
    answer = files.call_s3("list_multipart_uploads", Bucket=folder.bucket, Prefix=f"{folder.key}/")
    for upload in answer.get("Uploads", ()):
        if upload["Initiated"] < now - _MAY_BE_OF_AN_EXPORT:
            files.call_s3(
                "abort_multipart_upload", Bucket=folder.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )


def _bytes_if_old(files: Any, path: str, before: datetime) -> int | None:
    """How many bytes deleting a file gives back; None if it is not old, or gone."""
    try:
        if "s3" in files.protocol:
            found = files.info(path, refresh=True)
            return int(found["size"]) if found["LastModified"] < before else None
        state = Path(path).stat()
    except FileNotFoundError:
        return None
    # When it was linked. When it was last modified is of the release's file.
    if datetime.fromtimestamp(state.st_ctime, UTC) >= before:
        return None
    return state.st_size if state.st_nlink == 1 else 0


def _is_folder(entry: dict[str, Any]) -> bool:
    return bool(entry["type"] == "directory")


def _relative(path: str, folder: Location) -> str:
    return path.removeprefix("s3://").removeprefix(folder.url.removeprefix("s3://")).lstrip("/")
