"""Backups of the working file, and putting one, or what a release knows, in its place.

    BACKUPS/ID/nyc_mobility.duckdb     the file as it was, byte by byte
    BACKUPS/ID/backup.json             when it was made, its checksum, its tables and their rows

A backup is complete when it has its `backup.json`, which is written last. What has none was left by a crash.
"""

from warehouse.backup.backing_up import BackedUp, back_up
from warehouse.backup.manifest import Backup, BackupError, DamagedBackupError, NoBackupError
from warehouse.backup.restoring import Restored, restore
from warehouse.backup.restoring_release import restore_release
from warehouse.backup.store import Backups, find_backup

__all__ = [
    "BackedUp",
    "Backup",
    "BackupError",
    "Backups",
    "DamagedBackupError",
    "NoBackupError",
    "Restored",
    "back_up",
    "find_backup",
    "restore",
    "restore_release",
]
