"""Which partitions differ between two releases, and why: from what the releases say of themselves, without their rows.

It costs the same however many rows there are. How many rows of a partition were added, gone or changed only the
comparison of the rows tells: `diff.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from warehouse.ledger import LEDGER_SCHEMA
from warehouse.releases.diff_ledger import FeedChange, LedgerState, compare_ledgers
from warehouse.releases.diff_reasons import Cause, Reason, reasons_of
from warehouse.releases.release import Part, Release, ReleaseTable


@dataclass(frozen=True)
class DifferingPart:
    """A partition before and after; one of them is missing where it is new or gone."""

    before: Part | None
    after: Part | None
    reasons: tuple[Reason, ...]

    @property
    def partition_key(self) -> str:
        """The partition's key."""
        part = self.after or self.before
        assert part
        return part.partition_key


@dataclass(frozen=True)
class DifferingTable:
    """A table of which partitions differ. `rows_before` and `rows_after` are of all its partitions."""

    name: str
    rows_before: int
    rows_after: int
    parts: tuple[DifferingPart, ...]


def outline(old: Release, new: Release, ledgers: tuple[LedgerState, LedgerState]) -> list[DifferingTable]:
    """The tables with partitions that differ, by name; not the ledger, which differs always."""
    changes = compare_ledgers(*ledgers).feeds
    names = {table.full_name for release in (old, new) for table in release.tables if table.schema != LEDGER_SCHEMA}
    found = []
    for name in sorted(names):
        before, after = old.table(name), new.table(name)
        parts = tuple(
            DifferingPart(*pair, reasons_for(before, after, *pair, ledgers, changes))
            for pair in pairs(before, after)
            if not is_same(*pair)
        )
        if parts:
            found.append(DifferingTable(name, before.rows if before else 0, after.rows if after else 0, parts))
    return found


def pairs(old: ReleaseTable | None, new: ReleaseTable | None) -> Iterator[tuple[Part | None, Part | None]]:
    """The partitions of a table before and after; of one that is partitioned otherwise, all rows as one."""
    if old and new and old.partition_fields != new.partition_fields:
        yield _all_of(old), _all_of(new)
        return
    before = {part.partition_key: part for part in old.parts} if old else {}
    after = {part.partition_key: part for part in new.parts} if new else {}
    for key in sorted(before.keys() | after.keys()):
        yield before.get(key), after.get(key)


def _all_of(table: ReleaseTable) -> Part:
    return Part("all", table.rows, content="")


def is_same(before: Part | None, after: Part | None) -> bool:
    """Whether a partition has the same rows in both releases."""
    if not before or not after or not before.content:
        return False
    return (before.rows, before.content) == (after.rows, after.content)


def reasons_for(
    old: ReleaseTable | None,
    new: ReleaseTable | None,
    before: Part | None,
    after: Part | None,
    ledgers: tuple[LedgerState, LedgerState],
    changes: Sequence[FeedChange],
) -> tuple[Reason, ...]:
    """Why a partition of a table differs. `changes` are what the ledgers say was loaded in between."""
    if old is None or new is None:
        return (Reason(Cause.TABLE_NEW if old is None else Cause.TABLE_GONE),)
    is_other_model = old.fingerprint != new.fingerprint
    return reasons_of(before, after, ledgers, changes, is_other_model=is_other_model)
