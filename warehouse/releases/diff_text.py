"""Write the comparison of two releases as text, a fact a line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from warehouse.periods import compress
from warehouse.releases.diff import ColumnsDiff, PartDiff, ReleaseDiff, TableDiff
from warehouse.releases.diff_ledger import FeedChange, LedgerDiff, Loaded
from warehouse.releases.diff_rows import Example, Money, RowsDiff

_MARKS = {"added": "+", "gone": "-", "changed": "~"}

# A value of an example is not longer than this.
_VALUE_CHARACTERS = 60


def describe(diff: ReleaseDiff) -> Iterator[str]:
    """The lines of a comparison."""
    yield f"{diff.old} → {diff.new}"
    for table in diff.tables:
        yield ""
        yield from _table(table)
    yield ""
    if not diff.tables:
        yield "The same rows in all tables." if diff.same_tables > 1 else "The same rows."
    elif diff.same_tables:
        yield f"The same rows in {_counted(diff.same_tables, 'other table')}."
    yield from _ledger(diff.ledger)


def _table(table: TableDiff) -> Iterator[str]:
    number = len(table.parts) + table.unchanged_parts
    is_whole = number == 1 and [part.partition_key for part in table.parts] in ([], ["all"])
    yield table.table if is_whole else f"{table.table}: {len(table.parts)} of {_counted(number, 'partition')} differ"
    yield from _columns(table.columns)
    for part in table.parts:
        yield from _part(part)
    for example in table.examples:
        yield f"  {_example(example)}"


def _columns(columns: ColumnsDiff) -> Iterator[str]:
    if columns.added:
        yield f"  columns added: {', '.join(columns.added)}"
    if columns.removed:
        yield f"  columns removed: {', '.join(columns.removed)}"
    if columns.retyped:
        retyped = (f"{name} {before} → {after}" for name, (before, after) in columns.retyped.items())
        yield f"  columns of another type: {', '.join(retyped)}"


def _part(part: PartDiff) -> Iterator[str]:
    yield f"  {part.partition_key}: {'; '.join(str(reason) for reason in part.reasons)}"
    yield f"    {_rows(part.rows)}"
    for money in part.money:
        if money.difference:
            yield f"    {_money(money)}"
    if part.rows.columns:
        columns = sorted(part.rows.columns.items(), key=lambda column: -column[1])
        yield f"    changed in: {', '.join(f'{name} {count:,}' for name, count in columns)}"


def _rows(rows: RowsDiff) -> str:
    counts = {"added": rows.added, "gone": rows.gone, "changed": rows.changed, "only of another load": rows.reloaded}
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    key = "" if rows.has_key else " (no key: a changed row is one gone and one added)"
    return f"rows {rows.before:,} → {rows.after:,}: {told or 'the same in the columns that both have'}{key}"


def _money(money: Money) -> str:
    return f"{money.column} {money.before:,.2f} → {money.after:,.2f} USD ({money.difference:+,.2f})"


def _example(example: Example) -> str:
    row = ", ".join(f"{name}={_value(value)}" for name, value in example.row.items())
    values = ", ".join(f"{name} {_value(old)} → {_value(new)}" for name, (old, new) in example.values.items())
    return f"{_MARKS[example.kind]} {row}{': ' if values else ''}{values}"


def _value(value: object) -> str:
    """A value of the data in one line. Characters that would steer the terminal are escaped."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool | None) else str(value)
    text = text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]}…"
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _ledger(ledger: LedgerDiff) -> Iterator[str]:
    if ledger.feeds:
        yield ""
        yield "Loaded in between:"
        for line in loaded_in_between(ledger.feeds):
            yield f"  {line}"
    for title, passes in (("Checks that fail now:", False), ("Checks that pass now:", True)):
        if checks := [check for check in ledger.checks if check.passes is passes]:
            yield ""
            yield title
            for check in checks:
                yield f"  {check.asset}: {check.check} ({check.source}, {check.severity})"


def loaded_in_between(changes: Sequence[FeedChange]) -> Iterator[str]:
    """What was loaded between two releases, a line for each feed and what happened: `yellow: 2025-01, 2025-02 came`."""
    for (feed, what), of_feed in _grouped(changes).items():
        yield f"{feed}: {compress(change.period for change in of_feed)} {what}"


def _grouped(changes: Sequence[FeedChange]) -> Mapping[tuple[str, Loaded], list[FeedChange]]:
    groups: dict[tuple[str, Loaded], list[FeedChange]] = {}
    for change in changes:
        groups.setdefault((change.feed, change.what), []).append(change)
    return groups


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def as_data(diff: ReleaseDiff) -> dict[str, Any]:
    """The comparison as plain data, for scripts."""
    return {
        "old": diff.old,
        "new": diff.new,
        "same_tables": diff.same_tables,
        "tables": [_table_data(table) for table in diff.tables],
        "loaded": [
            {"feed": change.feed, "period": change.period.key, "what": change.what} for change in diff.ledger.feeds
        ],
        "checks": diff.ledger.checks,
    }


def _table_data(table: TableDiff) -> dict[str, Any]:
    return {
        "table": table.table,
        "unchanged_partitions": table.unchanged_parts,
        "columns": table.columns,
        "partitions": [
            {
                "partition": part.partition_key,
                "reasons": [
                    {"cause": reason.cause, "feed": reason.feed, "period": reason.period, "text": str(reason)}
                    for reason in part.reasons
                ],
                "rows": part.rows,
                "money": part.money,
            }
            for part in table.parts
        ],
        "examples": table.examples,
    }
