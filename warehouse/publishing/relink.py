"""Mend the views of releases after their folder was moved: a view names its files by absolute paths."""

import shutil
from dataclasses import replace
from pathlib import Path

from warehouse.connection import open_in_memory
from warehouse.durable import sync, write_durably
from warehouse.full_disk import clear_write_errors
from warehouse.publishing.database import attached, replace_view
from warehouse.publishing.files import sha256_of
from warehouse.releases.release import DATABASE, DESCRIPTION, Release
from warehouse.releases.store import Releases
from warehouse.sql import identifier


def relink(releases: Releases) -> list[Release]:
    """Let every release read its files where they are now; gives those releases. To be called with the lock.

    The DuckDB file is replaced whole: a reader that has it open keeps the old one.

    Raises:
        WarehouseError: a file cannot be written.
    """
    found = releases.all()
    for release in found:
        _relink(release)
    current = releases.link
    if current.is_symlink() and (target := releases.releases_folder / Path(current.readlink()).parent.name).is_dir():
        releases.switch_to(releases.find(target.name))
    return found


def _relink(release: Release) -> None:
    new = release.database.with_name(f".{release.database.name}.new")
    mode = release.folder.stat().st_mode
    with clear_write_errors(release.database):
        release.folder.chmod(0o755)
        try:
            new.unlink(missing_ok=True)
            shutil.copyfile(release.database, new)
            with open_in_memory() as connection, attached(connection, new, "storage_version 'v1.5.0'") as (_, name):
                for table in release.tables:
                    if table.is_in_files:
                        replace_view(connection, name, table, release.folder)
                connection.execute(f"checkpoint {identifier(name)}")
            sync(new)
            new.chmod(0o444)
            new.replace(release.database)
            documents = {**release.documents, DATABASE: sha256_of(release.database)}
            description = release.folder / DESCRIPTION
            write_durably(description, replace(release, documents=documents).write())
            description.chmod(0o444)
        finally:
            new.unlink(missing_ok=True)
            release.folder.chmod(mode)
