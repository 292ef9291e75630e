"""The list of a partition's files, where its feed has several a period: what a publisher hands to the reader."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class SourceFile:
    """One of a partition's files.

    `name` is its name below the publisher's address, and `path` where it is on this machine: in the publisher's own
    folder, or in the work folder. `etag` tells its states apart; of a folder it is when the file was changed.
    """

    name: str
    path: Path
    bytes: int
    etag: str | None = None
    last_modified: datetime | None = None

    @property
    def base_name(self) -> str:
        """The name without its folders."""
        return self.name.rpartition("/")[2]


LIST_NAME = "files.json"


def list_beside(folder: Path) -> Path:
    """Where the list is of which the folder is not made."""
    return folder.with_name(f"{folder.name}.{LIST_NAME}")


def write_file_list(files: Sequence[SourceFile], folder: Path) -> Path:
    """Write the list into a folder, or beside a folder that is not made; its path."""
    path = folder / LIST_NAME if folder.is_dir() else list_beside(folder)
    path.write_text(json.dumps([asdict(file) for file in files], default=str))
    return path


def is_file_list(path: Path) -> bool:
    """Whether a path is that of a list; otherwise it is that of the one file."""
    return path.name == LIST_NAME or path.name.endswith(f".{LIST_NAME}")


def read_file_list(path: Path) -> list[SourceFile]:
    """The files of a list, in its order; of anything else that was downloaded the one file itself."""
    if not is_file_list(path):
        return [SourceFile(path.name, path, path.stat().st_size)]
    found = []
    for listed in json.loads(path.read_text()):
        modified = listed.pop("last_modified")
        place = Path(listed.pop("path"))
        found.append(SourceFile(**listed, path=place, last_modified=modified and datetime.fromisoformat(modified)))
    return found
