"""Bring a table of the lakehouse to what it is in a release: put the new files, then commit once.

Until the commit readers find the release before, after it this one. If somebody else committed meanwhile, the commit
fails, and is tried again from what the table is by then. So no rows are ever there twice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from warehouse.lakehouse.data_files import PutFile, ReleaseReader, TableOfRelease
from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.location import Location

_ATTEMPTS = 20


@dataclass(frozen=True)
class State:
    """What readers find: the id of the release, the names of the files of data, and the table's version."""

    release: str | None
    files: Collection[str]
    version: str


class ConflictError(ExportError):
    """Somebody else committed first."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address}: others committed to it at the same time, each time that this export tried. "
            "Readers still find what was there before. Wait until they have ended, then run this again."
        )


class LakehouseTable(Protocol):
    """A table of one of the formats."""

    format: str
    address: str
    # Where the files of data go.
    data_folder: Location

    def state(self) -> State | None:
        """What readers find; None if there is no table yet. What `commit` does is based on this."""

    def commit(self, wanted: TableOfRelease, added: Mapping[str, PutFile], removed: Collection[str]) -> str:
        """Add files and remove others, together with the columns and descriptions. Returns the table's new version.

        Raises:
            ConflictError: the table is no longer what `state` said. Nothing was changed.
        """


def bring_to_release(table: LakehouseTable, wanted: TableOfRelease, reader: ReleaseReader) -> Exported:
    """Make a table what it is in a release, unless it is so already.

    Raises:
        ConflictError: somebody else committed each time.
    """
    release = reader.release.id
    put: dict[str, PutFile] = {}
    version = ""
    for attempt in Retrying(
        retry=retry_if_exception_type(ConflictError),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        reraise=True,
    ):
        with attempt:
            state = table.state()
            # A newer one that came meanwhile stays. Otherwise an older release is a rollback, and is wanted.
            was_overtaken = attempt.retry_state.attempt_number > 1 and state and (state.release or "") > release
            if state and (state.release == release or was_overtaken):
                version = state.version
            else:
                version = _commit(table, state, wanted, reader, put)
    return Exported(
        format=table.format,
        table=wanted.full_name,
        rows=wanted.rows,
        files_written=len(put),
        bytes_written=sum(file.bytes for file in put.values()),
        address=table.address,
        version=version,
    )


def _commit(
    table: LakehouseTable,
    state: State | None,
    wanted: TableOfRelease,
    reader: ReleaseReader,
    put: dict[str, PutFile],
) -> str:
    there = set(state.files) if state else set()
    new = [file for file in wanted.files if file.name not in there]
    for file in new:
        # Also if it lies there from a run that ended: it may be old enough to be deleted as nobody's.
        if file.name not in put:
            put[file.name] = reader.put(file, table.data_folder)
    added = {file.name: put[file.name] for file in new}
    return table.commit(wanted, added, there - {file.name for file in wanted.files})
