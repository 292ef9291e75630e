"""Small releases for tests: a table in a Parquet file that all of them share, one of their own, and one in DuckDB."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.releases import Part, Release, Releases, ReleaseTable

COLUMNS = (("n", "BIGINT"),)
TRIPS = "core_core.fct_trips"


def id_of(number: int) -> str:
    return f"20250101T0000{number:02}Z-00{number:02}"


def make_release(releases: Releases, number: int, *, is_current: bool = True) -> Release:
    """A release whose table of trips says its number, and shares a file with the release before it, if there is one."""
    folder = releases.releases_folder / id_of(number)
    files = folder / "tables" / "core_core" / "fct_trips"
    files.mkdir(parents=True)
    before = releases.all()
    shared, own = files / "shared.parquet", files / "own.parquet"
    if before:
        shared.hardlink_to(before[-1].folder / shared.relative_to(folder))
    with duckdb.connect(str(folder / "nyc_mobility.duckdb")) as connection:
        if not before:
            connection.execute(f"copy (select 0 as n) to '{shared}'")
        connection.execute(f"copy (select {number} as n from range(1000)) to '{own}'")
        connection.execute("create schema core_core; create table core_core.dim_zone as select 1 as n")
        connection.execute(f"create view core_core.fct_trips as from read_parquet(['{shared}', '{own}'])")
    parts = tuple(_part(folder, file) for file in (shared, own))
    table = ReleaseTable("core_core", "fct_trips", COLUMNS, parts)
    now = datetime.now(UTC)
    release = Release(folder.name, folder, now, "terminal", "run", duckdb.__version__, "content", (table,))
    (folder / "release.json").write_text(release.write())
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    if is_current:
        releases.switch_to(release)
    return releases.find(release.id)


def _part(folder: Path, file: Path) -> Part:
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Part(file.stem, 1, "1", file=str(file.relative_to(folder)), bytes=len(content), sha256=digest)


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, bytes | str]]:
    """All that is in a folder: mode, inode, time of change and content of every file, folder and link."""
    found: dict[str, tuple[int, int, int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        content: bytes | str = ""
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = (stat.st_mode, stat.st_ino, stat.st_mtime_ns, content)
    return found
