"""Figures of releases, files and disks. None of them opens the working file."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import disk_usage

import duckdb
from prometheus_client.core import Metric

from monitoring.families import Value, by, one
from quality.judging import is_ahead, room
from quality.quarantine import rejections, suspect_files
from warehouse.paths import PROJECT_ROOT, database_path, log_folder, published_folder
from warehouse.releases import Release, ReleaseError, Releases, open_release


@dataclass
class ReleaseFigures:
    """The figures of the current release. It never changes, so what it holds is asked once."""

    _of: str | None = None
    _suspects: dict[str, Value] = field(default_factory=dict)

    def read(self) -> Iterator[Metric]:
        """The figures; without a release only how many there are.

        Raises:
            ReleaseError: the current release cannot be read.
        """
        releases = Releases()
        current = releases.current()
        yield one("nyc_releases", "Releases that are kept.", _count(releases))
        if current is None:
            return
        yield one(
            "nyc_release_timestamp_seconds", "When the current release was made, in seconds.", current.published_at
        )
        switched_at = releases.switched_at() or current.published_at
        yield one(
            "nyc_release_switch_timestamp_seconds",
            "When something was last published, also nothing new, or rolled back, in Unix seconds.",
            switched_at,
        )
        yield one(
            "nyc_release_behind",
            "1 if the working file was written after the last publication, else 0.",
            is_ahead(room(), switched_at),
        )
        yield one("nyc_release_rows", "Rows of all tables of the current release.", sum(t.rows for t in current.tables))
        yield one("nyc_release_tables", "Tables of the current release.", len(current.tables))
        yield one("nyc_release_size_bytes", "Size of the files that the current release is made of.", _size(current))
        yield by(
            "feed",
            "nyc_feed_suspect_files",
            "Published files of a feed with more rejected rows than is tolerated, and not explained or accepted.",
            self._suspect_files(current),
        )

    def _suspect_files(self, release: Release) -> dict[str, Value]:
        if self._of != release.id:
            with open_release(release) as connection:
                self._suspects = _suspects(connection)
            self._of = release.id
        return self._suspects


def _suspects(connection: duckdb.DuckDBPyConnection) -> dict[str, Value]:
    """How many files of each feed with rejected rows have too many of them."""
    try:
        found = rejections(connection)
    except duckdb.CatalogException:
        return {}  # Nothing is built that rejects rows.
    counts = {each["feed"]: 0 for each in found}
    for feed, _ in suspect_files(found):
        counts[feed] += 1
    return {**counts}


def _count(releases: Releases) -> int:
    folder = releases.releases_folder
    return sum((each / "release.json").exists() for each in folder.iterdir()) if folder.is_dir() else 0


def _size(release: Release) -> int:
    try:
        return sum(file.stat().st_size for file in release.folder.rglob("*") if file.is_file())
    except FileNotFoundError as error:
        raise ReleaseError(f"{error.filename}: expected this file of release {release.id}, but it is gone") from error


def disk_figures() -> Iterator[Metric]:
    """The disks that files are on, by what is on them; several may be the same. And the sizes of the DuckDB file."""
    total: dict[str, Value] = {}
    free: dict[str, Value] = {}
    for use, folder in _folders().items():
        usage = disk_usage(_nearest(folder))
        total[use], free[use] = usage.total, usage.free
    yield by("use", "nyc_disk_size_bytes", "Size of the disk that something is on, in bytes.", total)
    yield by("use", "nyc_disk_free_bytes", "What is free there for this user, in bytes.", free)
    database = database_path()
    files = {"database": database, "wal": database.with_name(f"{database.name}.wal")}
    stats = {name: _stat(path) for name, path in files.items()}
    yield by(
        "file",
        "nyc_warehouse_file_bytes",
        "Size of the working DuckDB file and of its write-ahead log, in bytes; 0 without one.",
        {name: found.st_size if found else 0 for name, found in stats.items()},
    )
    yield one(
        "nyc_warehouse_file_timestamp_seconds",
        "When the working DuckDB file or its log was last written, in Unix seconds.",
        max((found.st_mtime for found in stats.values() if found), default=None),
    )


def _folders() -> dict[str, Path]:
    dagster = os.environ.get("DAGSTER_HOME")
    return {
        "warehouse": database_path().parent,
        "releases": published_folder(),
        # Where readers of releases put what does not fit into memory; that of writers is beside the working file.
        "temporary": Path(tempfile.gettempdir()),
        "logs": log_folder(),
        **({"dagster": PROJECT_ROOT / dagster} if dagster else {}),
    }


def _nearest(folder: Path) -> Path:
    """The folder, or what is above it where it is not there yet."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
