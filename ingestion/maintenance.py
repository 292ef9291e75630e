"""What there is to maintain of loads: what those left that were killed."""

from ingestion.run_record import finish_runs_left_behind
from ingestion.work_folder import left_behind
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import Ledger
from warehouse.maintenance import Found, Item
from warehouse.maintenance.items import nothing, size_of
from warehouse.paths import database_path


def ingestion_items() -> list[Item]:
    """The work folders of loads."""
    return [Item("work folders of loads", work_folders)]


def work_folders(dry_run: bool) -> Found:
    """Delete the work folders of loads that were killed, and record in the ledger that they ended.

    Raises:
        WarehouseBusyError: another process has the working file.
        WarehouseError: it cannot be opened.
    """
    if not database_path().exists():
        return nothing("none")
    # A load makes its folder while it has the file open.
    opened = open_for_reading(timeout_seconds=0) if dry_run else open_for_writing(timeout_seconds=0)
    with opened as connection:
        folders, _ = left_behind()
        space = sum(map(size_of, folders))
        if not dry_run:
            finish_runs_left_behind(Ledger(connection))
    return Found(f"{len(folders)} folders of loads that were killed", space, is_nothing=not folders)
