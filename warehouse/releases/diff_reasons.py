"""Why the rows of a partition differ between two releases.

A partition's version is a text that names the loads that it was built from, or a checksum of such texts. What the
ledgers say of these loads is the reason. No feed and no table is known here by name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from warehouse.periods import Grain, Period
from warehouse.releases.diff_ledger import FeedChange, LedgerState, Loaded
from warehouse.releases.release import Part


class Cause(StrEnum):
    """What made rows differ."""

    FILE_REPLACED = "file replaced"
    FILE_LOADED_AGAIN = "file loaded again"
    INPUT_CAME = "came later"
    INPUT_REPLACED = "was replaced"
    INPUT_LOADED_AGAIN = "was loaded again"
    INPUT_GONE = "is gone"
    INPUTS_CHANGED = "inputs changed"
    MODEL_CHANGED = "model changed"
    NEW_PERIOD = "new period"
    PERIOD_GONE = "period gone"
    TABLE_NEW = "table new"
    TABLE_GONE = "table gone"
    OTHER_HANDS = "changed by other hands"


_CAUSE_OF_INPUT = {
    Loaded.CAME: Cause.INPUT_CAME,
    Loaded.REPLACED: Cause.INPUT_REPLACED,
    Loaded.AGAIN: Cause.INPUT_LOADED_AGAIN,
    Loaded.GONE: Cause.INPUT_GONE,
}


@dataclass(frozen=True)
class Reason:
    """Why rows differ. Where another partition is the cause, `feed` and `period` name it."""

    cause: Cause
    feed: str | None = None
    period: str | None = None

    def __str__(self) -> str:
        return f"{self.feed} {self.period} {self.cause}" if self.feed else self.cause.value


def reasons_of(
    before: Part | None,
    after: Part | None,
    ledgers: tuple[LedgerState, LedgerState],
    changes: Sequence[FeedChange],
    *,
    is_other_model: bool,
) -> tuple[Reason, ...]:
    """Why a partition differs, is new or gone, in a table that both releases have.

    `changes` are what the ledgers say was loaded in between. `is_other_model` says that the table's SQL changed.
    """
    part = after or before
    assert part
    if not (before and after) and not _is_of_a_known_period(part, ledgers[0 if after else 1]):
        return (Reason(Cause.NEW_PERIOD if after else Cause.PERIOD_GONE),)
    found = list(dict.fromkeys(_reasons_of_inputs(part, before, after, ledgers, changes)))
    # What happened to the partition's own file comes first.
    found.sort(key=lambda reason: reason.feed is not None)
    if is_other_model:
        found.append(Reason(Cause.MODEL_CHANGED))
    # Never silent: rows that nothing in the ledger explains were changed by something that does not write it.
    return tuple(found) or (Reason(Cause.OTHER_HANDS),)


def _period(part: Part) -> Period | None:
    return Period(Grain(part.grain), part.period_start) if part.grain and part.period_start else None


def _is_of_a_known_period(part: Part, ledger: LedgerState) -> bool:
    """Whether a ledger has the file that the partition is of: then the partition is not new or gone because of it."""
    period = _period(part)
    return bool(period and part.feed) and (part.feed, str(period)) in ledger.watermarks


def _reasons_of_inputs(
    part: Part,
    before: Part | None,
    after: Part | None,
    ledgers: tuple[LedgerState, LedgerState],
    changes: Sequence[FeedChange],
) -> Iterator[Reason]:
    period = _period(part)
    if period is None:
        # A table that is built whole: its version names no loads.
        if changes:
            yield Reason(Cause.INPUTS_CHANGED)
        return
    if before and after and before.version == after.version:
        return
    old, new = (_words(each) for each in (before, after))
    near = [change for change in changes if _is_near(change.period, period)]
    is_told = not (old | new).isdisjoint(_loads(ledgers))
    for change in near:
        if not is_told or _is_named(change, old, new, has_both=bool(before and after)):
            yield _reason_of(change, part, period)


def _words(part: Part | None) -> set[str]:
    return set((part.version or "").split()) if part else set()


def _loads(ledgers: tuple[LedgerState, LedgerState]) -> set[str]:
    return {mark.load_id for ledger in ledgers for mark in ledger.watermarks.values()}


def _is_near(one: Period, of: Period) -> bool:
    """Whether a period is in another, or in the one before or after it."""
    return one.start < of.next().end and one.end > of.previous().start


def _is_named(change: FeedChange, old: set[str], new: set[str], *, has_both: bool) -> bool:
    """Whether the versions of a partition name the loads of a change.

    Both of them, because one load may have written several partitions.
    """
    named = [load in words for load, words in ((change.old_load, old), (change.new_load, new)) if load]
    return all(named) if has_both else any(named)


def _reason_of(change: FeedChange, part: Part, period: Period) -> Reason:
    if change.period == period and change.feed == part.feed:
        if change.what is Loaded.REPLACED:
            return Reason(Cause.FILE_REPLACED)
        if change.what is Loaded.AGAIN:
            return Reason(Cause.FILE_LOADED_AGAIN)
    return Reason(_CAUSE_OF_INPUT[change.what], change.feed, change.period.key)
