"""What a person has accepted as it is (`meta.accepted_gaps`): a period that is thin, missing, refused, replaced or
overdue, or of which many rows were rejected.

It is accepted for one state of its file: with another file it counts as a gap again.
"""

import getpass
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.ledger import Fingerprint, Ledger

# What is accepted of a loaded file besides gaps: that so many of its rows were rejected.
REJECTED = "rejected"

_LONGEST_REASON = 200

_COLUMNS = (
    "asset, partition_key, state, reason, accepted_by, accepted_at, load_id,"
    " etag, last_modified, content_length, content_hash"
)


class BadAcceptanceError(ValueError):
    """What was to be accepted or reopened cannot be, or the reason is not a valid one."""


@dataclass(frozen=True)
class AcceptedGap:
    """One gap of a partition that was accepted, by whom and why. `accepted_at` is UTC, without zone.

    `state` is what was wrong. `load_id` is that of the rows loaded then. `file` has the marks of the file for which it
    holds: of the loaded one if it was thin, else of the publisher's. It has none if nothing was published, or if nobody
    was asked.
    """

    asset: str
    partition_key: str
    state: str
    reason: str
    accepted_by: str
    accepted_at: datetime
    load_id: str | None
    file: Fingerprint


AcceptedGaps = Mapping[tuple[str, str], Sequence[AcceptedGap]]
"""By (asset, partition key)."""


def read_accepted_gaps(connection: duckdb.DuckDBPyConnection) -> AcceptedGaps:
    """Everything accepted, ordered by asset and partition key; nothing if the ledger has no such table."""
    try:
        rows = connection.execute(
            f"select {_COLUMNS} from meta.accepted_gaps order by asset, partition_key, state"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    found: dict[tuple[str, str], list[AcceptedGap]] = {}
    for asset, partition_key, state, reason, accepted_by, accepted_at, load_id, *marks in rows:
        gap = AcceptedGap(
            asset, partition_key, state, reason, accepted_by, accepted_at, load_id, Fingerprint("", *marks)
        )
        found.setdefault((asset, partition_key), []).append(gap)
    return found


def accept_gaps(gaps: Iterable[AcceptedGap], connection: duckdb.DuckDBPyConnection) -> None:
    """Record what is accepted: all of it or none. It replaces what was accepted of the same partition and state."""
    rows = [
        [
            gap.asset,
            gap.partition_key,
            gap.state,
            gap.reason,
            gap.accepted_by,
            gap.accepted_at,
            gap.load_id,
            gap.file.etag,
            gap.file.last_modified,
            gap.file.content_length,
            gap.file.content_hash,
        ]
        for gap in gaps
    ]
    Ledger(connection)
    marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(rows))
    connection.execute(
        f"insert or replace into meta.accepted_gaps ({_COLUMNS}) values {marks}",
        [value for row in rows for value in row],
    )


def reopen_gaps(partitions: Iterable[tuple[str, str]], connection: duckdb.DuckDBPyConnection) -> None:
    """Forget what is accepted of these partitions, given as (asset, partition key): of all of them or none."""
    Ledger(connection)
    keys = list(partitions)
    marks = ", ".join(["(?, ?)"] * len(keys))
    connection.execute(
        f"delete from meta.accepted_gaps where (asset, partition_key) in ({marks})",
        [value for key in keys for value in key],
    )


def parse_reason(text: str | None) -> str:
    """A reason as it is kept: one printable line.

    Raises:
        BadAcceptanceError: it is empty, too long, or has characters that cannot be printed.
    """
    reason = (text or "").strip()
    if not reason or len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise BadAcceptanceError(
            f"expected --reason with one line of 1 to {_LONGEST_REASON} printable characters, such as --reason 'snow'"
        )
    return reason


def who_accepts() -> str:
    """The name of the person at the terminal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # In a container the user may have no name.
        return f"user {os.getuid()}"
