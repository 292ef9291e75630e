"""Compare the rows of one partition in two releases, by key where the table has one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb

from warehouse.releases.diff_sides import LOAD_COLUMN, Pair, Side
from warehouse.releases.store import ReleaseError
from warehouse.sql import identifier

# Marks in a join on which side a row is. No column of a table has a blank in its name.
_IS_THERE = identifier("is there")

_CENTS = 2


@dataclass(frozen=True)
class RowsDiff:
    """Rows by what happened to them.

    `reloaded` are the same but for the load that they are of; they are not `changed`. `columns` says of how many
    changed rows each column differs. Without a key (`has_key`) a changed row is one gone and one added.
    """

    before: int
    after: int
    added: int
    gone: int
    changed: int = 0
    reloaded: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    has_key: bool = True


@dataclass(frozen=True)
class Money:
    """The sum of a column in US dollars, before and after, to the cent."""

    column: str
    before: float
    after: float
    difference: float


@dataclass(frozen=True)
class Example:
    """A row that differs: `row` is its key, or all of it without a key, `values` what changed, before and after."""

    kind: Literal["added", "gone", "changed"]
    partition_key: str
    row: dict[str, Any]
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass
class Examples:
    """Examples of a table: at most `wanted` of each kind."""

    wanted: int
    found: list[Example] = field(default_factory=list)

    def missing(self, kind: str) -> int:
        """How many of a kind are still to be found."""
        return self.wanted - sum(example.kind == kind for example in self.found)


def compare_rows(
    connection: duckdb.DuckDBPyConnection, pair: Pair, examples: Examples
) -> tuple[RowsDiff, tuple[Money, ...]]:
    """Compare the rows of a partition, and add to the examples.

    Raises:
        ReleaseError: a file is gone or damaged.
    """
    try:
        if pair.old and pair.new:
            diff = _by_key(connection, pair, pair.old, pair.new) if pair.key else None
            # A key that is on several rows of a side matches more rows than there are.
            diff = diff or _as_multisets(connection, pair, pair.old, pair.new)
        else:
            before = pair.old.part.rows if pair.old else 0
            after = pair.new.part.rows if pair.new else 0
            diff = RowsDiff(before, after, added=after, gone=before, has_key=bool(pair.key))
        _find_examples(connection, pair, diff, examples)
        return diff, _money(connection, pair)
    except duckdb.Error as error:
        raise _unreadable(connection, pair, error) from error


def _by_key(connection: duckdb.DuckDBPyConnection, pair: Pair, old: Side, new: Side) -> RowsDiff | None:
    """Compare by key; None if the key is not unique."""
    both = f"old.{_IS_THERE} and new.{_IS_THERE}"
    differs = [_differs(name) for name in pair.compared]
    is_changed = " or ".join(differs) or "false"
    is_reloaded = _differs(LOAD_COLUMN) if LOAD_COLUMN in pair.common else "false"
    # Not count_if: it is null where the condition is, for all rows.
    figures = [
        f"count(old.{_IS_THERE})",
        f"count(new.{_IS_THERE})",
        *(
            f"count(*) filter (where {condition})"
            for condition in (
                f"old.{_IS_THERE} is null",
                f"new.{_IS_THERE} is null",
                f"{both} and ({is_changed})",
                f"{both} and {is_reloaded} and not ({is_changed})",
                *(f"{both} and {differs_here}" for differs_here in differs),
            )
        ),
    ]
    query = f"select {', '.join(figures)} from {_joined(pair, old, new)}"
    before, after, added, gone, changed, reloaded, *columns = connection.execute(query).fetchall()[0]
    if (before, after) != (old.part.rows, new.part.rows):
        return None
    by_column = {name: count for name, count in zip(pair.compared, columns, strict=True) if count}
    return RowsDiff(before, after, added, gone, changed, reloaded, by_column)


def _joined(pair: Pair, old: Side, new: Side) -> str:
    same = " and ".join(f"old.{identifier(name)} is not distinct from new.{identifier(name)}" for name in pair.key)
    before, after = (f"(select *, true as {_IS_THERE} from ({pair.selected(side)}))" for side in (old, new))
    return f"{before} as old full join {after} as new on {same}"


def _differs(name: str) -> str:
    return f"old.{identifier(name)} is distinct from new.{identifier(name)}"


def _as_multisets(connection: duckdb.DuckDBPyConnection, pair: Pair, old: Side, new: Side) -> RowsDiff:
    """Compare without a key: how many times each row is there."""
    columns = [name for name in pair.common if name != LOAD_COLUMN]
    added = _count(connection, _except(pair, new, old, columns))
    gone = _count(connection, _except(pair, old, new, columns))
    reloaded = _count(connection, _except(pair, new, old, pair.common)) - added
    return RowsDiff(old.part.rows, new.part.rows, added, gone, reloaded=reloaded, has_key=False)


def _except(pair: Pair, side: Side, other: Side, columns: Sequence[str]) -> str:
    """The rows of one side that the other has not, or not as many times."""
    names = ", ".join(identifier(name) for name in columns)
    return f"select {names} from ({pair.selected(side)}) except all select {names} from ({pair.selected(other)})"


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found: int = connection.execute(f"select count(*) from ({query})").fetchall()[0][0]
    return found


def _money(connection: duckdb.DuckDBPyConnection, pair: Pair) -> tuple[Money, ...]:
    """The sums of the columns in US dollars. The order of the rows does not show in them."""
    if not pair.money:
        return ()
    sums = ", ".join(f"coalesce(round(fsum({identifier(name)}), {_CENTS}), 0)" for name in pair.money)
    before, after = (
        connection.execute(f"select {sums} from ({pair.selected(side)})").fetchall()[0]
        if side
        else [0.0] * len(pair.money)
        for side in (pair.old, pair.new)
    )
    return tuple(
        Money(name, old, new, round(new - old, _CENTS))
        for name, old, new in zip(pair.money, before, after, strict=True)
    )


def _find_examples(connection: duckdb.DuckDBPyConnection, pair: Pair, diff: RowsDiff, examples: Examples) -> None:
    for kind, count, side, other in (
        ("added", diff.added, pair.new, pair.old),
        ("gone", diff.gone, pair.old, pair.new),
    ):
        if count and side and (limit := examples.missing(kind)) > 0:
            found = connection.execute(_one_sided(pair, diff, side, other, limit))
            names = [column[0] for column in found.description or ()]
            for row in found.fetchall():
                values = dict(zip(names, row, strict=True))
                examples.found.append(Example("added" if kind == "added" else "gone", pair.partition_key, values))
    if diff.changed and pair.old and pair.new and (limit := examples.missing("changed")) > 0:
        examples.found += _changed_examples(connection, pair, pair.old, pair.new, limit)


def _one_sided(pair: Pair, diff: RowsDiff, side: Side, other: Side | None, limit: int) -> str:
    """The keys of rows that are on one side alone; the whole rows where there is no key."""
    names = pair.key if diff.has_key else [name for name in pair.common if name != LOAD_COLUMN]
    shown = ", ".join(identifier(name) for name in names)
    if other is None:
        query = f"select {shown} from ({pair.selected(side)})"
    elif diff.has_key:
        same = " and ".join(f"one.{identifier(name)} is not distinct from other.{identifier(name)}" for name in names)
        query = (
            f"select {shown} from ({pair.selected(side)}) as one"
            f" where not exists (from ({pair.selected(other)}) as other where {same})"
        )
    else:
        query = _except(pair, side, other, names)
    return f"select * from ({query}) order by all limit {limit}"


def _changed_examples(
    connection: duckdb.DuckDBPyConnection, pair: Pair, old: Side, new: Side, limit: int
) -> list[Example]:
    shown = [*(f"new.{identifier(name)}" for name in pair.key)]
    for name in pair.compared:
        shown += [f"old.{identifier(name)}", f"new.{identifier(name)}", _differs(name)]
    is_changed = " or ".join(_differs(name) for name in pair.compared)
    rows = connection.execute(
        f"select {', '.join(shown)} from {_joined(pair, old, new)}"
        f" where old.{_IS_THERE} and new.{_IS_THERE} and ({is_changed})"
        f" order by {', '.join(f'new.{identifier(name)}' for name in pair.key)} limit {limit}"
    ).fetchall()
    return [_changed_example(pair, row) for row in rows]


def _changed_example(pair: Pair, row: Sequence[Any]) -> Example:
    key, rest = row[: len(pair.key)], row[len(pair.key) :]
    values = {
        name: (before, after)
        for name, before, after, is_other in zip(pair.compared, rest[::3], rest[1::3], rest[2::3], strict=True)
        if is_other
    }
    return Example("changed", pair.partition_key, dict(zip(pair.key, key, strict=True)), values)


def _unreadable(connection: duckdb.DuckDBPyConnection, pair: Pair, error: duckdb.Error) -> ReleaseError:
    """Name the side that cannot be read, where one cannot."""
    names = [side.name for side in (pair.old, pair.new) if side and not _can_be_read(connection, pair, side)]
    return ReleaseError(
        f"{' and '.join(names) or pair.partition_key}: expected the rows of a release, but they cannot be read: "
        f"{str(error)[:250]}. The file is damaged or gone. Publish again, which makes it anew: nyc publish"
    )


def _can_be_read(connection: duckdb.DuckDBPyConnection, pair: Pair, side: Side) -> bool:
    try:
        connection.execute(f"select count(hash(one)) from ({pair.selected(side)}) as one")
    except duckdb.Error:
        return False
    return True
