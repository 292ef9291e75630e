"""What the ledgers of two releases say: which partitions were loaded in between, and which checks changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from warehouse.ledger import Watermark, read_watermarks
from warehouse.periods import Period
from warehouse.sql import identifier

# The latest run of each check; it passed if it did for all partitions.
_CHECKS = """
    with latest as (
        select source, asset, check_name, severity, passed
        from meta.asset_checks
        qualify checked_at = max(checked_at) over (partition by source, asset, check_name)
    )

    select source, asset, check_name, any_value(severity), bool_and(passed)
    from latest
    group by source, asset, check_name
"""


class Loaded(StrEnum):
    """What happened to a partition of a feed between two releases."""

    CAME = "came"
    REPLACED = "was replaced"
    AGAIN = "was loaded again"
    GONE = "is gone"


@dataclass(frozen=True)
class FeedChange:
    """A partition of a feed that another load wrote. `old_load` and `new_load` are load ids, missing on one side."""

    feed: str
    period: Period
    what: Loaded
    old_load: str | None
    new_load: str | None


@dataclass(frozen=True)
class CheckChange:
    """A check that fails now and did not before, or passes now and did not."""

    source: str
    asset: str
    check: str
    severity: str | None
    passes: bool


@dataclass(frozen=True)
class LedgerDiff:
    """What was loaded between two releases, and which checks changed."""

    feeds: tuple[FeedChange, ...]
    checks: tuple[CheckChange, ...]


@dataclass(frozen=True)
class LedgerState:
    """What a release's ledger says: the watermarks of feeds by (feed, period's key), and the checks by their names."""

    watermarks: Mapping[tuple[str, str], Watermark]
    checks: Mapping[tuple[str, str, str], tuple[str | None, bool]]


def ledger_of(connection: duckdb.DuckDBPyConnection, database: str) -> LedgerState:
    """Read the ledger in an attached database."""
    connection.execute(f"use {identifier(database)}")
    checks = {(row[0], row[1], row[2]): (row[3], row[4]) for row in connection.execute(_CHECKS).fetchall()}
    return LedgerState(read_watermarks(connection), checks)


def compare_ledgers(old: LedgerState, new: LedgerState) -> LedgerDiff:
    """What the later ledger says that the earlier did not."""
    return LedgerDiff(tuple(_feeds(old, new)), tuple(_checks(old, new)))


def _feeds(old: LedgerState, new: LedgerState) -> Iterator[FeedChange]:
    for feed, key in sorted(old.watermarks.keys() | new.watermarks.keys()):
        before, after = old.watermarks.get((feed, key)), new.watermarks.get((feed, key))
        old_load, new_load = (mark.load_id if mark else None for mark in (before, after))
        if old_load != new_load:
            yield FeedChange(feed, Period.of_any_grain(key), _what(before, after), old_load, new_load)


def _what(before: Watermark | None, after: Watermark | None) -> Loaded:
    if before is None:
        return Loaded.CAME
    if after is None:
        return Loaded.GONE
    # A stream has no file: it has more rows.
    is_same = (_file(before), before.rows) == (_file(after), after.rows)
    return Loaded.AGAIN if is_same else Loaded.REPLACED


def _file(mark: Watermark) -> tuple[object, ...]:
    """What tells one state of the file from another. The address does not: a mirror has the same file."""
    file = mark.fingerprint
    return file.etag, file.last_modified, file.content_length, file.content_hash


def _checks(old: LedgerState, new: LedgerState) -> Iterator[CheckChange]:
    for names, (severity, passes) in sorted(new.checks.items()):
        # A check that was not there before is told of if it fails.
        _, passed = old.checks.get(names, (severity, True))
        if passed != passes:
            yield CheckChange(*names, severity, passes)
