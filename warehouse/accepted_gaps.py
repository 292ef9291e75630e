"""What a person has accepted as it is (`meta.accepted_gaps`): a month that is thin, missing, replaced or overdue.

It is accepted for one state of its file, so that another file is looked at again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.ledger import Fingerprint, Ledger

_COLUMNS = (
    "asset, partition_key, state, reason, accepted_by, accepted_at, load_id,"
    " etag, last_modified, content_length, content_hash"
)


@dataclass(frozen=True)
class AcceptedGap:
    """One state of a partition that was accepted, by whom and why (`accepted_at` is UTC, without zone).

    `load_id` is that of the rows loaded then. `file` has the marks of the file that it holds for: the loaded one of
    what is thin, else the publisher's; it has none where nothing was published, or nobody was asked.
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
    """All that is accepted, in the order of asset and partition; nothing where the ledger has no such table."""
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
    """Record what is accepted, all of it or none, in place of what was of the same states."""
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
    """Forget all that is accepted of these partitions, as (asset, partition key), or nothing of any."""
    Ledger(connection)
    keys = list(partitions)
    marks = ", ".join(["(?, ?)"] * len(keys))
    connection.execute(
        f"delete from meta.accepted_gaps where (asset, partition_key) in ({marks})",
        [value for key in keys for value in key],
    )
