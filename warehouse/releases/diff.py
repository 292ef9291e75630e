"""What differs between two releases: by table and partition, row for row, and why.

Partitions with the same checksum in both are not read, so a comparison costs what changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from warehouse.connection import open_several_restricted
from warehouse.ledger import LEDGER_SCHEMA
from warehouse.releases.diff_ledger import LedgerDiff, compare_ledgers, ledger_of
from warehouse.releases.diff_outline import is_same, pairs, reasons_for
from warehouse.releases.diff_reasons import Reason
from warehouse.releases.diff_rows import Example, Examples, Money, RowsDiff, compare_rows
from warehouse.releases.diff_sides import Pair, Side
from warehouse.releases.release import DESCRIPTION, Part, Release, ReleaseTable
from warehouse.releases.store import ReleaseError

_OLD, _NEW = "release before", "release after"


@dataclass(frozen=True)
class PartDiff:
    """A partition whose rows differ, or a table that is not kept by partitions.

    `rows` counts them by what happened to them; `money` are the sums of columns in US dollars, before and after.
    """

    partition_key: str
    rows: RowsDiff
    money: tuple[Money, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class ColumnsDiff:
    """How a table's columns differ: names of those added and removed, and `name: type before, type after`."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)


@dataclass(frozen=True)
class TableDiff:
    """A table that differs. `unchanged_parts` is the number of its partitions that do not."""

    table: str
    parts: tuple[PartDiff, ...]
    unchanged_parts: int
    columns: ColumnsDiff
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class ReleaseDiff:
    """What differs between two releases. `same_tables` is the number of tables that do not."""

    old: str
    new: str
    tables: tuple[TableDiff, ...]
    same_tables: int
    ledger: LedgerDiff


def compare(old: Release, new: Release, *, only_table: str | None = None, examples: int = 0) -> ReleaseDiff:
    """Compare two releases, or one table of theirs. `examples` is how many rows a table and kind to show.

    Raises:
        ReleaseError: neither release has the table, or a file of theirs is gone or damaged.
        WarehouseError: a release cannot be opened.
    """
    names = _names(old, new, only_table)
    if old.id == new.id:
        return ReleaseDiff(old.id, new.id, (), len(names), LedgerDiff((), ()))
    _require_there(old, new)
    with open_several_restricted({_OLD: old.database, _NEW: new.database}) as connection:
        # Whoever deletes a release first takes its release.json away, and then looks for readers.
        _require_there(old, new)
        comparison = _Comparison(connection, old, new, examples)
        tables = tuple(table for name in names if (table := comparison.of_table(name)))
        return ReleaseDiff(old.id, new.id, tables, len(names) - len(tables), comparison.ledger)


def _require_there(*releases: Release) -> None:
    for release in releases:
        for file in (release.database, release.folder / DESCRIPTION):
            if not file.exists():
                raise ReleaseError(
                    f"{file}: expected it to be there, as part of release {release.id}, but it is gone. "
                    "Compare with another release: nyc publish --list"
                )


def _names(old: Release, new: Release, only_table: str | None) -> list[str]:
    """The tables to compare. The ledger differs always and has a section of its own."""
    tables = {table.full_name: table for release in (old, new) for table in release.tables}
    names = sorted(name for name, table in tables.items() if table.schema != LEDGER_SCHEMA)
    if only_table is None:
        return names
    found = [name for name in names if only_table in (name, tables[name].name)]
    if not found:
        raise UnknownTableError(
            f"expected a table of the releases, but got {only_table[:50]!r}. There are: {_list(names)}."
        )
    return found


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


class UnknownTableError(ReleaseError):
    """Neither release has the table."""


class _Comparison:
    """Compares the tables of two releases on one connection that has both."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, old: Release, new: Release, examples: int) -> None:
        self._connection = connection
        self._old, self._new = old, new
        self._examples = examples
        self._ledgers = ledger_of(connection, _OLD), ledger_of(connection, _NEW)
        self.ledger = compare_ledgers(*self._ledgers)

    def of_table(self, name: str) -> TableDiff | None:
        """How a table differs; None if it does not."""
        old, new = self._old.table(name), self._new.table(name)
        columns = _columns(old, new)
        examples = Examples(self._examples)
        in_both = list(pairs(old, new))
        parts = tuple(
            self._of_part(old, new, before, after, examples) for before, after in in_both if not is_same(before, after)
        )
        if not parts and not columns and old and new:
            return None
        return TableDiff(name, parts, len(in_both) - len(parts), columns, tuple(examples.found))

    def _of_part(
        self,
        old: ReleaseTable | None,
        new: ReleaseTable | None,
        before: Part | None,
        after: Part | None,
        examples: Examples,
    ) -> PartDiff:
        part = after or before
        assert part
        pair = Pair(
            part.partition_key,
            Side(_OLD, self._old.folder, old, before) if old and before else None,
            Side(_NEW, self._new.folder, new, after) if new and after else None,
        )
        rows, money = compare_rows(self._connection, pair, examples)
        reasons = reasons_for(old, new, before, after, self._ledgers, self.ledger.feeds)
        return PartDiff(part.partition_key, rows, money, reasons)


def _columns(old: ReleaseTable | None, new: ReleaseTable | None) -> ColumnsDiff:
    if not old or not new:
        return ColumnsDiff()
    before, after = dict(old.columns), dict(new.columns)
    return ColumnsDiff(
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        {name: (before[name], type_) for name, type_ in after.items() if name in before and before[name] != type_},
    )
