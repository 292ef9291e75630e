"""Is all well? Everything that may be wrong, asked of the ledger, the checks, the quarantine and the disk.

`nyc health` and the portal both ask here, so that they cannot differ. What is missing only `ingestion` can tell
(`ingestion/ledger_gaps.py`): whoever asks brings it along.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import disk_usage

import duckdb

from quality.disks import Disk, disks, trouble_of_disks
from quality.health import latest_checks
from quality.quarantine import rejections
from quality.troubles import (
    SPARK,
    failed_runs,
    if_there,
    trouble_of_builds,
    trouble_of_files,
    trouble_of_quarantine,
    trouble_of_spark_builds,
    trouble_of_spark_checks,
    troubles_of_checks,
    troubles_of_rows,
    troubles_of_runs,
    unready_files,
)
from warehouse.ledger import utc_now
from warehouse.paths import database_path
from warehouse.publishing.audit import failed_builds, failed_spark_builds
from warehouse.reconciliation import reconcile
from warehouse.verdict import PUBLISH_COMMANDS, Level, Trouble, Verdict, counted

# A publication writes the working file once more when it is done.
_LONGEST_PUBLICATION = timedelta(minutes=5)

# From one day's job to the end of the next.
_LONGEST_WAIT = timedelta(hours=36)


@dataclass(frozen=True)
class Room:
    """What the working file takes and what is free on its disk, in bytes. Without a working file `taken` is 0.

    `written_at` is when the working file was last written, UTC without zone. `disks` are all that the platform writes
    to.
    """

    folder: Path
    taken: int
    free: int
    written_at: datetime | None = None
    disks: tuple[Disk, ...] = ()


def judge(
    gaps: Iterable[Trouble], data: Iterable[Trouble], found: Room, *, published_at: datetime | None = None
) -> Verdict:
    """Judge what there is: the troubles of gaps, of the data (`troubles_of_data`), and the disk.

    Where a release is judged, `published_at` is when the current one was published.
    """
    waiting = trouble_of_waiting(found, published_at, utc_now()) if published_at else ()
    return Verdict.of([*gaps, *data, *waiting, *trouble_of_disks(found.disks)])


def troubles_of_data(connection: duckdb.DuckDBPyConnection) -> list[Trouble]:
    """All that is wrong with what is open, a release or the working file, but what is missing."""
    checks = if_there(latest_checks, connection)
    return [
        *troubles_of_checks([check for check in checks if check["source"] != SPARK]),
        *trouble_of_spark_checks([check for check in checks if check["source"] == SPARK]),
        *trouble_of_quarantine(if_there(rejections, connection)),
        *trouble_of_files(if_there(unready_files, connection)),
        *troubles_of_rows(reconcile(connection)),
        *trouble_of_builds(if_there(failed_builds, connection)),
        *trouble_of_spark_builds(if_there(failed_spark_builds, connection)),
        *troubles_of_runs(if_there(failed_runs, connection)),
    ]


def room() -> Room:
    """Look how much room there is, without opening the working file."""
    path = database_path()
    folder = next(parent for parent in path.parents if parent.is_dir())
    free = disk_usage(folder).free
    try:
        found = path.stat()
    except OSError:
        return Room(folder, 0, free, disks=disks())
    written_at = datetime.fromtimestamp(found.st_mtime, UTC).replace(tzinfo=None)
    return Room(folder, found.st_size, free, written_at, disks())


def is_ahead(found: Room, published_at: datetime) -> bool:
    """Whether the working file was written after a publication, so that it may hold more."""
    return found.written_at is not None and found.written_at - published_at > _LONGEST_PUBLICATION


def trouble_of_waiting(found: Room, published_at: datetime, now: datetime) -> Iterator[Trouble]:
    """Whether the working file is ahead of the current release for longer than from one day's job to the next.

    Then a job may have failed before it published, which the release cannot know.
    """
    if is_ahead(found, published_at) and now - published_at > _LONGEST_WAIT:
        yield Trouble(
            Level.ATTENTION,
            f"nothing published for {counted((now - published_at).days, 'day')}",
            (
                f"The working file was written at {found.written_at:%Y-%m-%d %H:%M} UTC, after the last publication at "
                f"{published_at:%Y-%m-%d %H:%M}. Readers do not see what it has, such as loads and failures.",
            ),
            "See what is wrong with it, build and publish.",
            ("nyc health --live", *PUBLISH_COMMANDS),
        )
