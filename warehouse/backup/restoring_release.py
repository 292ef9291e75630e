"""Make a working file from what a release knows: its ledger, but no rows.

A release has no raw rows, and every table is built from raw rows. So what is restored is what the ledger says was
loaded. The files count as not loaded, for their rows are not there: `nyc gaps --fill` loads them again, and the first
build makes all tables. Until every file is there again, dbt refuses to build, so that no release with fewer rows takes
the place of the one that readers have.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.backup.manifest import BackupError
from warehouse.backup.placing import new_file, put_in_place, refuse_if_there
from warehouse.backup.restoring import record, refuse_unknown
from warehouse.backup.working_file import Stopwatch
from warehouse.connection import connect_file
from warehouse.full_disk import clear_write_errors
from warehouse.ledger import LEDGER_SCHEMA, Ledger
from warehouse.ledger.schema import STREAMS
from warehouse.paths import database_path
from warehouse.publishing.database import attached, copy_tables, ledger_tables
from warehouse.releases import Release
from warehouse.sql import identifier

# Messages of streams come again from the beginning of what the broker has. Added to what the ledger says, they would
# count twice. Of a model the tables are not there.
_FORGOTTEN = """
    delete from meta.asset_watermarks
    where source_url is null or asset in (select feed from meta.stream_offsets);
    delete from meta.stream_offsets;
"""
_STREAMS = """
    select offsets.feed, sum(offsets.rows)::bigint from meta.stream_offsets as offsets group by all order by all
"""
_TO_LOAD = """
    select asset, count(*), sum(rows)::bigint, min(partition_key), max(partition_key)
    from meta.asset_watermarks
    where source_url is not null and rows > 0
    group by asset
    order by asset
"""


@dataclass(frozen=True)
class ToLoad:
    """What was loaded of a feed: so many periods, from the first to the last, and their rows."""

    feed: str
    periods: int
    rows: int
    first: str
    last: str


@dataclass(frozen=True)
class RestoredRelease:
    """A working file made from a release.

    `to_load` is what was loaded and has to be loaded again, `streams` how many messages were read of each stream.
    `kept_as` is what the working file before is called now, if there was one.
    """

    release: str
    to_load: tuple[ToLoad, ...]
    streams: dict[str, int]
    seconds: float
    kept_as: Path | None = None


def restore_release(release: Release, *, force: bool = False, dry_run: bool = False) -> RestoredRelease:
    """Make a working file that has a release's ledger and no rows; one that is there only goes with `force`, and stays
    beside it.

    With `dry_run` nothing is changed.

    Raises:
        BackupError: there is a working file, or a later version made the release.
        WarehouseError: the working file is in use, or its folder cannot be written.
    """
    watch = Stopwatch()
    refuse_if_there(force=force)
    with new_file() as new, clear_write_errors(database_path()):
        to_load, streams = _fill(new, release)
        kept = None if dry_run else put_in_place(new, force=force)
    return RestoredRelease(release.id, to_load, streams, watch.seconds, kept)


def _fill(new: Path, release: Release) -> tuple[tuple[ToLoad, ...], dict[str, int]]:
    """Make the file; gives what is to be loaded again, and the messages that were read of streams."""
    try:
        with closing(connect_file(new, read_only=False)) as connection:
            connection.execute(f"create schema {identifier(LEDGER_SCHEMA)}")
            with attached(connection, release.database, "read_only") as (working, attached_as):
                ledger = [(LEDGER_SCHEMA, name) for name in ledger_tables(connection, attached_as)]
                copy_tables(connection, attached_as, working, ledger)
            names = connection.execute("select name from meta.migrations").fetchall()
            refuse_unknown(tuple(name for (name,) in names), str(release.folder))
            Ledger(connection)  # Brings it up to date.
            connection.execute(STREAMS)
            streams = dict(connection.execute(_STREAMS).fetchall())
            connection.execute(_FORGOTTEN)
            to_load = tuple(ToLoad(*row) for row in connection.execute(_TO_LOAD).fetchall())
            record(connection, {"release": release.id})
            connection.execute("checkpoint")
    except duckdb.Error as error:
        raise BackupError(
            f"{release.database}: expected the ledger of a release, but got: {str(error)[:300]}. Nothing was changed. "
            "Use another one: nyc publish --list"
        ) from error
    return to_load, streams
