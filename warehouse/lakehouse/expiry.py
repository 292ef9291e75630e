"""End old states of the tables of Iceberg and Delta, and delete the files that nobody needs any more.

A state is kept if it is of one of the last releases. A file is deleted if no kept state has it and it is older than an
hour: a younger one may be of an export that has not committed yet.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

from deltalake import DeltaTable
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from warehouse.lakehouse import delta, iceberg
from warehouse.lakehouse.failures import failures_named
from warehouse.lakehouse.iceberg_catalog import FOLDER as ICEBERG
from warehouse.lakehouse.iceberg_catalog import address, has_catalog, opened_catalog
from warehouse.lakehouse.location import Location
from warehouse.lakehouse.orphans import Freed, abort_uploads, delete_others, folders

logger = logging.getLogger(__name__)


def expire_tables(to: Location, *, keep_releases: int, now: datetime) -> Freed:
    """Keep the states of the last releases in every table of Iceberg and Delta, and delete what only others have.

    `now` has a time zone. This may run beside exports and readers.

    Raises:
        ExportError: a table, the place or the catalog cannot be read or written. What was deleted is not needed.
        ValueError: no release is to be kept.
    """
    if keep_releases < 1:
        raise ValueError(f"expected to keep at least one release, but got {keep_releases}")
    freed = Freed()
    with failures_named(f"expiry in {to.url}"):
        for format_ in (delta.FOLDER, ICEBERG):
            abort_uploads(to.joined(format_), now)
        for schema in folders(to.joined(delta.FOLDER)):
            for folder in folders(schema):
                freed += _expire_delta(folder, keep_releases, now)
        if has_catalog(to):
            with opened_catalog(to) as catalog:
                for table, location in _iceberg_tables(catalog, to):
                    freed += _expire_iceberg(table, location, keep_releases, now)
    return freed


def expire_layers(tables: Iterable[Location], *, keep_releases: int, now: datetime) -> Freed:
    """The same for tables of Delta in these folders, which need not be there. A folder without a log is left alone.

    Raises:
        ExportError: a table or the place cannot be read or written. What was deleted is not needed.
    """
    freed = Freed()
    for folder in tables:
        with failures_named(f"expiry of {folder.url}"):
            if DeltaTable.is_deltatable(folder.url, folder.delta_options()):
                freed += _expire_delta(folder, keep_releases, now)
    return freed


def _expire_delta(folder: Location, keep_releases: int, now: datetime) -> Freed:
    """Delete the files of data that no kept version has. Their commits stay until Delta's library drops them."""
    with failures_named(f"expiry of {folder.url}"):
        options = folder.delta_options()
        needed: set[str] = set()
        if DeltaTable.is_deltatable(folder.url, options):
            table = DeltaTable(folder.url, storage_options=options)
            _shorten_log(table)
            for version in list(_kept_versions(table, keep_releases)):
                table.load_as_version(version)
                needed |= {_last_part(file) for file in table.file_uris()}
        # A table without a log was never committed to: an export ended before.
        return delete_others(folder, needed, now, not_below="_delta_log")


def _shorten_log(table: DeltaTable) -> None:
    """Make readers start from a checkpoint, and drop the commits that are older than Delta's retention."""
    table.create_checkpoint()
    table.cleanup_metadata()


def _kept_versions(table: DeltaTable, keep_releases: int) -> Iterator[int]:
    """The versions of the last releases, and those in between that changed a description; at least the current one."""
    yield table.version()
    releases: set[str] = set()
    for commit in table.history():
        releases.add(commit.get(delta.RELEASE, ""))
        if len(releases - {""}) > keep_releases:
            break
        yield commit["version"]


def _iceberg_tables(catalog: Catalog, to: Location) -> Iterator[tuple[Table, Location]]:
    """The tables that exports to this place made. Others may share the catalog."""
    for schema in folders(to.joined(ICEBERG)):
        for folder in folders(schema):
            identifier = (_last_part(schema.url), _last_part(folder.url))
            if not catalog.table_exists(identifier):
                # Perhaps another catalog has it. Without one, nobody knows which of its files are needed.
                logger.warning("%s: no table of the catalog, so its files are left alone", folder.url)
                continue
            table = catalog.load_table(identifier)
            if table.location().rstrip("/") == address(folder):
                yield table, folder


def _expire_iceberg(table: Table, folder: Location, keep_releases: int, now: datetime) -> Freed:
    with failures_named(f"expiry of {folder.url}"):
        _expire_snapshots(table, keep_releases)
        return delete_others(folder, _needed_files(table), now)


@retry(
    retry=retry_if_exception_type(CommitFailedException),
    stop=stop_after_attempt(10),
    wait=wait_random(0, 0.5),
    reraise=True,
)
def _expire_snapshots(table: Table, keep_releases: int) -> None:
    table.refresh()
    releases: set[str] = set()
    expired = []
    for snapshot in sorted(table.snapshots(), key=lambda each: each.sequence_number or 0, reverse=True):
        releases.add((snapshot.summary[iceberg.RELEASE] if snapshot.summary else None) or "")
        if len(releases - {""}) > keep_releases:
            expired.append(snapshot.snapshot_id)
    protected = {reference.snapshot_id for reference in table.refs().values()}
    if ids := [each for each in expired if each not in protected]:
        table.maintenance.expire_snapshots().by_ids(ids).commit()


def _needed_files(table: Table) -> set[str]:
    """Every file that the table's state needs, relative to its folder: data, manifests, and descriptions of states."""
    table.refresh()
    metadata = table.metadata
    needed = {table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
    needed |= {statistics.statistics_path for statistics in metadata.statistics}
    manifests = {}
    for snapshot in metadata.snapshots:
        needed.add(snapshot.manifest_list)
        manifests.update({manifest.manifest_path: manifest for manifest in snapshot.manifests(table.io)})
    needed |= manifests.keys()
    for manifest in manifests.values():
        entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        needed |= {entry.data_file.file_path for entry in entries}
    return {file.removeprefix(f"{table.location().rstrip('/')}/") for file in needed}


def _last_part(address_: str) -> str:
    return address_.rstrip("/").rpartition("/")[2]
