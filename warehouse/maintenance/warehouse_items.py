"""What there is to maintain of the working file, the releases and the lakehouse."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from warehouse.compact import WORTHWHILE_SHARE, compact, read_space
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.maintenance.items import Found, Item, files_in, megabytes, nothing, size_of
from warehouse.maintenance.lakehouse import lakehouse
from warehouse.maintenance.ledger import ledger
from warehouse.paths import database_path
from warehouse.publishing.files import sha256_of
from warehouse.releases.expiry import (
    bytes_of,
    clear_half_made,
    expire_releases,
    expired_releases,
    half_made_folders,
    kept_releases,
)
from warehouse.releases.release import DESCRIPTION, Release, is_release_id
from warehouse.releases.store import ReleaseError, Releases

_NAMED = 3


def warehouse_items() -> list[Item]:
    """In the order in which they give space to one another: what is deleted in the working file is compacted away."""
    return [
        Item("ledger", ledger),
        Item("temporary files of DuckDB", temporary_files),
        Item("working file", working_file),
        Item("old releases", old_releases),
        Item("half-made releases", half_made_releases),
        Item("files of releases", files_of_releases),
        Item("lakehouse", lakehouse),
    ]


def working_file(dry_run: bool) -> Found:
    """Compact the working file, if that is worth it and nobody has it open."""
    if not database_path().exists():
        return nothing("there is none yet")
    space = read_space(timeout_seconds=0)
    free = f"{megabytes(space.free_bytes)} ({space.free_share:.0%}) of {megabytes(space.file_bytes)} are free"
    if space.free_share < WORTHWHILE_SHARE:
        return nothing(f"{free}: not worth compacting")
    if dry_run:
        return Found(f"{free}: compacting is worth it", space.free_bytes)
    done = compact(timeout_seconds=0)
    if done is None:
        return nothing("not worth compacting")
    return Found(f"{megabytes(done.before_bytes)} before, {megabytes(done.after_bytes)} after", done.saved_bytes)


def temporary_files(dry_run: bool) -> Found:
    """Delete what DuckDB has written beside the working file and could not delete because its process was killed."""
    path = database_path()
    folder = path.with_name(f"{path.name}.tmp")
    if not path.exists() or not folder.is_dir() or folder.is_symlink():
        return nothing("none")
    opened = open_for_reading(timeout_seconds=0) if dry_run else open_for_writing(timeout_seconds=0)
    # While this process has the file nobody else writes, or is in need of these.
    with opened:
        files = list(files_in(folder))
        found = Found(f"{len(files)} files", sum(map(size_of, files)), is_nothing=not files)
        if not dry_run:
            for file in files:
                file.unlink()
    return found


def old_releases(dry_run: bool) -> Found:
    """Delete the releases past `PUBLISHED_RELEASES`."""
    keep = kept_releases()
    releases = Releases()
    if not releases.releases_folder.is_dir():
        return nothing("nothing is published yet")
    if dry_run:
        expired = expired_releases(releases, keep=keep)
        space = bytes_of(release.folder for release in expired)
    else:
        with releases.lock(timeout_seconds=0):
            there = [release.folder for release in releases.all()]
            before = bytes_of(there)
            expired = expire_releases(releases, keep=keep)
            space = before - bytes_of(folder for folder in there if folder.exists())
    gone = ", ".join(release.id for release in expired)
    return Found(gone or f"none past the newest {keep}", space, is_nothing=not expired)


def half_made_releases(dry_run: bool) -> Found:
    """Delete what publications that were killed have left."""
    releases = Releases()
    if not releases.half_made():
        return nothing("none")
    with releases.lock(timeout_seconds=0):
        left = half_made_folders(releases)
        space = bytes_of(left)
        cleared = left if dry_run else clear_half_made(releases)
    return Found(", ".join(sorted(folder.name for folder in cleared)) or "none", space, is_nothing=not cleared)


def files_of_releases(dry_run: bool) -> Found:
    """Compare the files of every release with their checksums.

    Raises:
        ReleaseError: files are damaged or gone, or a release cannot be read; the message names some.
    """
    there = Releases()
    releases = there.all()
    damaged: list[tuple[Release, Path]] = []
    known: dict[tuple[int, int], str] = {}
    for release in releases:
        damaged += [(release, file) for file in _damaged_files(release, known)]
    # Deleted meanwhile: a publication ends with deleting old releases.
    damaged = [(release, file) for release, file in damaged if (release.folder / DESCRIPTION).exists()]
    if damaged:
        if not dry_run:
            _have_written_anew(damaged)
        raise _damage(damaged)
    for description in there.releases_folder.glob(f"*/{DESCRIPTION}"):
        if is_release_id(description.parent.name):
            # Says which cannot be read, and what to do.
            there.find(description.parent.name)
    return nothing(f"{len(known)} files of {len(releases)} releases are whole")


def _damaged_files(release: Release, known: dict[tuple[int, int], str]) -> Iterator[Path]:
    """`known` has the checksums of files by device and number: releases share files, which are read once."""
    expected = [(str(part.file), part.sha256) for _, part in release.files()]
    for name, sha256 in [*expected, *release.documents.items()]:
        file = release.folder / name
        try:
            state = file.stat()
            key = (state.st_dev, state.st_ino)
            if key not in known:
                known[key] = sha256_of(file)
        except OSError:
            yield file
        else:
            if known[key] != sha256:
                yield file


def _have_written_anew(damaged: Sequence[tuple[Release, Path]]) -> None:
    """A publication reads the files again whose time has changed, and so notices the damage."""
    for _, file in damaged:
        if file.exists():
            os.utime(file)


def _damage(damaged: Sequence[tuple[Release, Path]]) -> ReleaseError:
    named = [f"{file} (release {release.id})" for release, file in damaged[:_NAMED]]
    more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
    return ReleaseError(
        f"{'; '.join(named)}{more}: expected the file that was published, but it is damaged or gone. Write it anew: "
        "nyc publish. Do not go back to these releases, and check the disk."
    )
