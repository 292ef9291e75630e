"""Make a backup of the working file: a copy of its bytes while nobody writes, compared, and kept under an id.

Writers wait while the file is copied to a disk of this machine, and no longer: it is compared, and sent to S3, after
that. Nothing is written into the file itself, so a backup leaves no run in the ledger.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.backup.manifest import DESCRIPTION, FILE, Backup, BackupError, DamagedBackupError
from warehouse.backup.store import Backups
from warehouse.backup.working_file import Contents, Copied, Stopwatch, chunks_of, contents_of, copy, held, read_again
from warehouse.connection import NotThereYetError
from warehouse.full_disk import room_on_disk
from warehouse.lakehouse.destination import Destination, destination
from warehouse.lakehouse.exporting import locked
from warehouse.lakehouse.location import BACKUP_VARIABLE, Location
from warehouse.ledger import utc_now
from warehouse.paths import database_path
from warehouse.releases.release import next_id

DEFAULT_KEEP = 3


@dataclass(frozen=True)
class BackedUp:
    """What became of a backup. `is_new` is false where the newest one has the same file already.

    `seconds` is how long it took, `held_seconds` for how long nobody could write. `removed` are the ids of older
    backups that were removed, `cleared` those of what crashes had left.
    """

    backup: Backup
    is_new: bool
    seconds: float
    held_seconds: float
    removed: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()


def back_up(place: Location, *, keep: int = DEFAULT_KEEP) -> BackedUp:
    """Make a backup of the working file, unless the newest one has the same file, and keep the newest `keep`.

    Older ones are removed when the new one is there, and was read again and compared. Waits for whoever writes to the
    working file, or makes a backup in the same place.

    Raises:
        NotThereYetError: there is no working file.
        WarehouseBusyError: somebody else kept it, or the place, for too long.
        BackupError: the disk has too little room, or the copy is not the same.
        ExportError: the place cannot be written. The backups before are as they were.
    """
    if keep < 1:
        raise BackupError(f"expected to keep at least 1 backup, but got {keep}")
    path = database_path()
    if not path.exists():
        raise NotThereYetError(
            f"{path}: expected a DuckDB file, but there is none. If it was lost: nyc restore --from latest"
        )
    with locked(place), destination(place) as to:
        return _BackUp(Backups(place), to, path).run(keep)


class _BackUp:
    def __init__(self, backups: Backups, to: Destination, path: Path) -> None:
        self._backups = backups
        self._to = to
        self._path = path
        self._watch = Stopwatch()

    def run(self, keep: int) -> BackedUp:
        cleared = tuple(self._backups.remove_half_made())
        there = self._backups.all()
        newest = there[-1] if there else None
        made, held_seconds = self._made(newest)
        # Also if nothing has changed: the backup before may have been killed just before this.
        removed = [each.id for each in ([*there, made] if made else there)[:-keep]]
        for id_ in removed:
            self._backups.remove(id_)
        backup = made or newest
        assert backup, "without a backup there is nothing that could be the same"
        return BackedUp(backup, made is not None, self._watch.seconds, held_seconds, tuple(removed), cleared)

    def _made(self, newest: Backup | None) -> tuple[Backup | None, float]:
        """The new backup, or None where the newest has the same file; and for how long nobody could write."""
        copy_ = self._to.scratch / FILE
        with held(self._path) as (connection, file):
            holding = Stopwatch()
            state = self._path.stat()
            if newest and (newest.bytes, newest.modified_ns) == (state.st_size, state.st_mtime_ns):
                return None, holding.seconds
            self._check_room(state.st_size)
            contents = _contents(connection, self._path)
            copied = copy(chunks_of(file, self._path), copy_)
        held_seconds = holding.seconds
        if (found := read_again(copy_)) != copied:
            raise DamagedBackupError(
                f"{self._to.location.url}: expected the copy to be as the working file, but it has {found.bytes:,} "
                "bytes with another checksum: its disk does not keep what is written. The backups before are "
                f"as they were; use another disk: --to or {BACKUP_VARIABLE}"
            )
        if newest and newest.sha256 == copied.sha256:
            return None, held_seconds
        return self._put(copy_, copied, contents, state.st_mtime_ns), held_seconds

    def _check_room(self, needed: int) -> None:
        if (available := shutil.disk_usage(self._to.scratch).free) < needed:
            before = " before it is sent" if self._to.location.is_s3 else ""
            raise BackupError(
                f"{self._to.location.url}: expected {needed:,} bytes free for the copy{before}, but "
                f"{room_on_disk(self._to.scratch)}. Free {needed - available:,} bytes more, or use another disk: --to "
                f"or {BACKUP_VARIABLE}. The backups before are as they were."
            )

    def _put(self, copy_: Path, copied: Copied, contents: Contents, modified_ns: int) -> Backup:
        now = utc_now()
        backup = Backup(
            id=next_id(now, self._backups.ids()),
            place=self._to.location,
            made_at=now,
            bytes=copied.bytes,
            sha256=copied.sha256,
            modified_ns=modified_ns,
            duckdb_version=duckdb.__version__,
            storage_version=contents.storage_version,
            migrations=contents.migrations,
            tables=contents.tables,
        )
        stored = self._to.put(copy_, f"{backup.id}/{FILE}")
        if stored.bytes != copied.bytes:
            raise DamagedBackupError(
                f"{backup.address}: expected {copied.bytes:,} bytes to arrive, but there are {stored.bytes:,}. "
                "The backups before are as they were; run this again."
            )
        described = self._to.scratch / DESCRIPTION
        described.write_text(backup.write())
        self._to.put(described, f"{backup.id}/{DESCRIPTION}")
        return backup


def _contents(connection: duckdb.DuckDBPyConnection, path: Path) -> Contents:
    try:
        return contents_of(connection)
    except duckdb.Error as error:
        raise BackupError(
            f"{path}: expected to read its tables, but got: {str(error)[:300]}. A damaged file is not backed up, and "
            "the backups before are as they were. Put the newest in its place: nyc restore --from latest --force"
        ) from error
