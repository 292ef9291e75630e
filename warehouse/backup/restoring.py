"""Put a backup in the place of the working file.

It is copied beside it, compared with its checksum, opened, and its tables counted. Only then it takes the place, by one
rename. Until that, and whatever goes wrong, everything is as before.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.backup.manifest import Backup, BackupError, DamagedBackupError
from warehouse.backup.placing import check_room, new_file, put_in_place, refuse_if_there
from warehouse.backup.store import chunks, compare, verify
from warehouse.backup.working_file import Stopwatch, contents_of, copy
from warehouse.connection import connect_file
from warehouse.full_disk import clear_write_errors
from warehouse.ledger import ABANDONED, Ledger
from warehouse.ledger.migrations import known_migrations
from warehouse.paths import database_path

KIND = "restore"


@dataclass(frozen=True)
class Restored:
    """What was put in the place of the working file. `kept_as` is what that is called now, if there was one."""

    source: str
    tables: int
    rows: int
    seconds: float
    kept_as: Path | None = None


def restore(backup: Backup, *, force: bool = False, dry_run: bool = False) -> Restored:
    """Put a backup in the place of the working file; one that is there stays beside it, and only goes with `force`.

    Runs that were under way when the backup was made are recorded as failed, and that it was restored is a run of its
    own. With `dry_run` the backup is read and compared, and nothing is changed.

    Raises:
        BackupError: there is a working file, too little room, or a later version made the backup.
        DamagedBackupError: it is not what was written.
        ExportError: it cannot be read.
        WarehouseError: the working file is in use, or its folder cannot be written.
    """
    watch = Stopwatch()
    refuse_if_there(force=force)
    _refuse_later(backup)
    check_room(backup.bytes)
    if dry_run:
        verify(backup)
        return Restored(backup.address, len(backup.tables), backup.rows, watch.seconds)
    with new_file() as new, clear_write_errors(database_path()):
        copied = copy(chunks(backup), new)
        compare(backup, copied.bytes, copied.sha256)
        _prepare(new, backup)
        kept = put_in_place(new, force=force)
    return Restored(backup.address, len(backup.tables), backup.rows, watch.seconds, kept)


def refuse_unknown(migrations: tuple[str, ...], source: str) -> None:
    """Refuse a ledger that a later version of this project wrote.

    Raises:
        BackupError: it is.
    """
    if unknown := sorted(set(migrations) - known_migrations()):
        raise BackupError(
            f"{source}: expected a ledger that this version knows, but a later one wrote it ({', '.join(unknown)}). "
            "Update the project, then run this again. Nothing was changed."
        )


def _refuse_later(backup: Backup) -> None:
    refuse_unknown(backup.migrations, backup.address)
    oldest = _version(backup.storage_version)
    if oldest and oldest > _version(duckdb.__version__):
        raise BackupError(
            f"{backup.address}: expected a file that DuckDB {duckdb.__version__} can open, but it needs "
            f"{backup.storage_version} (it was written by {backup.duckdb_version}). Update the project, then run this "
            "again. Nothing was changed."
        )


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version such as `v2.0.0+`; none where it has others."""
    parts = text.removeprefix("v").removesuffix("+").split(".")
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdecimal() for part in parts) else ()


def _prepare(new: Path, backup: Backup) -> None:
    """Open the copy, count its tables, and bring its ledger up to date."""
    try:
        with closing(connect_file(new, read_only=False)) as connection:
            if (found := contents_of(connection).tables) != backup.tables:
                differ = sorted(name for name in {*found, *backup.tables} if found.get(name) != backup.tables.get(name))
                raise DamagedBackupError(
                    f"{backup.address}: expected the tables that it had, but these differ: {', '.join(differ[:5])}. "
                    "Nothing was changed. Use another backup: nyc backup --list"
                )
            record(connection, {"backup": backup.id})
            connection.execute("checkpoint")
    except duckdb.Error as error:
        raise BackupError(
            f"{backup.address}: expected a file that DuckDB {duckdb.__version__} can open, but got: "
            f"{str(error)[:300]}. DuckDB {backup.duckdb_version} wrote it. Nothing was changed."
        ) from error


def record(connection: duckdb.DuckDBPyConnection, arguments: dict[str, object]) -> None:
    """Bring the ledger up to date, end the runs that it says are under way, and record this restore."""
    ledger = Ledger(connection)
    with ledger.transaction():
        running = connection.execute("select run_id from meta.ingestion_runs where status = 'running'").fetchall()
        for (run_id,) in running:
            ledger.finish_run(run_id, "failed", ABANDONED)
        ledger.finish_run(ledger.start_run(KIND, arguments, started_by="terminal"), "success")
