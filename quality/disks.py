"""Which disks the platform writes to, and whether one is nearly full. Nothing here opens the DuckDB file."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from shutil import disk_usage

from warehouse.connection import WarehouseError
from warehouse.paths import DATABASE_FILE, PROJECT_ROOT, database_path, log_folder, published_folder
from warehouse.verdict import Level, Trouble

FLOOR_VARIABLE = "DISK_FLOOR_GB"
_DEFAULT_FLOOR_GB = 1.0
_BYTES_PER_GB = 1_000_000_000

# Where orchestration/dagster.yaml has Dagster keep its history, unless that is in Postgres.
_DAGSTER_STORAGE = "data/dagster_storage"


@dataclass(frozen=True)
class Disk:
    """A disk, what of the platform is on it, how many bytes are free, and how many the next work may take.

    The next work is a full build, which may take as much as the working file once more, and a publication, which may
    write all files of the current release anew. `floor` is what must be free whatever comes.
    """

    mount: Path
    holds: tuple[str, ...]
    free: int
    needed: int
    floor: int

    @property
    def is_below_floor(self) -> bool:
        """Whether so little is free that nothing at all may be written soon."""
        return self.free < self.floor

    @property
    def is_nearly_full(self) -> bool:
        """Whether the next work may not fit."""
        return self.free < max(self.needed, self.floor)


def disks() -> tuple[Disk, ...]:
    """The disks of the working file, the releases, the logs and Dagster's history, each once.

    Raises:
        WarehouseError: `DISK_FLOOR_GB` is not a number.
    """
    floor = _floor()
    found: dict[int, list[tuple[str, Path, int]]] = {}
    for name, path, needed in _places():
        folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
        found.setdefault(folder.stat().st_dev, []).append((name, folder, needed))
    return tuple(
        Disk(
            _mount_of(places[0][1]),
            tuple(dict.fromkeys(name for name, *_ in places)),
            disk_usage(places[0][1]).free,
            sum(needed for *_, needed in places),
            floor,
        )
        for places in found.values()
    )


def trouble_of_disks(found: Sequence[Disk]) -> Iterator[Trouble]:
    """The disks on which less is free than the next work may take, or than the floor."""
    if full := [disk for disk in found if disk.is_nearly_full]:
        yield Trouble(
            Level.ATTENTION,
            "the disk is almost full" if len(full) == 1 else f"{len(full)} disks are almost full",
            tuple(_said_of(disk) for disk in full),
            "Make room, or give back what nobody needs.",
            ("nyc maintain",),
        )


def _said_of(disk: Disk) -> str:
    holds = ", ".join(disk.holds)
    why = (
        f"a full build and a publication may take {disk.needed / _BYTES_PER_GB:,.1f} GB"
        if disk.needed > disk.floor
        else f"{disk.floor / _BYTES_PER_GB:,.1f} GB are to be free in any case ({FLOOR_VARIABLE})"
    )
    return f"{disk.mount} ({holds}): {disk.free / _BYTES_PER_GB:,.1f} GB are free, {why}."


def _places() -> Iterator[tuple[str, Path, int]]:
    """What is written, the folder that it is in, and how many bytes the next work may take there."""
    database, published = database_path(), published_folder()
    yield "the working file", database.parent, _size(database)
    yield "releases", published, _size_of_current(published)
    yield "logs", log_folder(), 0
    if home := os.environ.get("DAGSTER_HOME"):
        yield "Dagster", PROJECT_ROOT / home, 0
        yield "Dagster", PROJECT_ROOT / _DAGSTER_STORAGE, 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _size_of_current(published: Path) -> int:
    """The bytes of the current release's files; 0 where there is none, or where it is just being changed."""
    link = published / DATABASE_FILE
    try:
        return _size_of_release(link.resolve(strict=True).parent)
    except OSError:
        return 0


# A release never changes, and one of many partitions has thousands of files. Pages ask at every drawing.
@lru_cache(maxsize=8)
def _size_of_release(folder: Path) -> int:
    """The bytes of a release's files.

    Raises:
        OSError: one of them is gone.
    """
    found = 0
    for parent, _, names in os.walk(folder, onerror=_raise):
        found += sum(os.stat(os.path.join(parent, name)).st_size for name in names)  # noqa: PTH116, PTH118 - many
    return found


def _raise(error: OSError) -> None:
    raise error


def _mount_of(folder: Path) -> Path:
    return next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.is_mount())


def _floor() -> int:
    text = os.environ.get(FLOOR_VARIABLE, "").strip()
    try:
        floor = float(text or _DEFAULT_FLOOR_GB)
    except ValueError:
        floor = -1
    if not 0 <= floor < float("inf"):
        raise WarehouseError(f"expected {FLOOR_VARIABLE} to be a number of gigabytes such as 5, but got {text[:50]!r}")
    return int(floor * _BYTES_PER_GB)
