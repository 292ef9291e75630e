"""Where the periods of each feed stand, by the ledger alone: for a release, which has no raw rows.

It is what `nyc gaps --offline` finds, with two differences. A loaded period is compared with its neighbours by its
rows, and not searched for missing days and hours: checks do that. And what the publishers have is what the last loads
were told, if they asked when the file was due.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby

import duckdb

from ingestion.attempts import Attempt, Attempts, read_attempts, refusals
from ingestion.catalog import FEEDS
from ingestion.feeds import Feed
from ingestion.gap_plan import Known, Planned, plan_gaps
from ingestion.gap_survey import NothingLoadedError, asked_partitions
from ingestion.partitions import Partition
from ingestion.publication import Gap, is_due, reason_accepted
from ingestion.results import Status
from ingestion.thin import Coverage
from warehouse.accepted_gaps import REJECTED, AcceptedGaps, read_accepted_gaps
from warehouse.ledger import Watermark, read_watermarks
from warehouse.periods import Period, compress, word_for
from warehouse.verdict import PUBLISH_COMMANDS, Level, Trouble, counted

# A reason is a line, and nobody copies more commands one by one.
_LONGEST_REASON = 300
_COMMANDS = 3
_FAILURES = {status.value for status in Status if status.is_failure}
_ACCEPTED_AT_ONCE = 20


@dataclass(frozen=True)
class LedgerState:
    """What the ledger says of feeds' partitions, by (feed, partition key)."""

    watermarks: Mapping[tuple[str, str], Watermark] = field(default_factory=dict)
    accepted: AcceptedGaps = field(default_factory=dict)
    attempts: Attempts = field(default_factory=dict)


def read_ledger_state(connection: duckdb.DuckDBPyConnection) -> LedgerState:
    """Read what the ledger says of feeds' partitions; nothing without a ledger."""
    return LedgerState(read_watermarks(connection), read_accepted_gaps(connection), read_attempts(connection))


def plan_by_ledger(state: LedgerState, now: date) -> list[Planned]:
    """Where every period of the default feeds, and of all that have something loaded, stands at `now` (UTC).

    The periods go from the earliest one loaded of a feed's subject until now. Nothing where nothing is loaded.
    """
    # What is loaded of a feed that there is no more is nobody's period.
    loaded = [key for key in state.watermarks if key[0] in FEEDS]
    try:
        partitions = asked_partitions(None, None, None, loaded, now)
    except NothingLoadedError:
        return []
    # Of irregular periods only those are in the plan that have a file. Years of hours that have none would take long.
    partitions = [one for one in partitions if not one.feed.is_irregular or _key(one) in state.watermarks]
    coverage = {
        partition: Coverage(watermark.load_id, watermark.rows, days=None)
        for partition in partitions
        if (watermark := state.watermarks.get(_key(partition)))
    }
    answers = {partition: None for partition in partitions if _was_not_published_when_due(partition, state)}
    known = Known(state.watermarks, coverage, answers, state.accepted, refusals(state.attempts))
    return [_with_accepted_thin(planned, known) for planned in plan_gaps(partitions, known, now)]


def _key(partition: Partition) -> tuple[str, str]:
    return partition.feed.name, partition.key


def _was_not_published_when_due(partition: Partition, state: LedgerState) -> bool:
    attempt = state.attempts.get(_key(partition))
    return attempt is not None and attempt.status == Status.NOT_PUBLISHED and is_due(partition, attempt.at)


def _with_accepted_thin(planned: Planned, known: Known) -> Planned:
    """With what a person accepted of a loaded period: it may be thin for days that only the raw rows tell of."""
    loaded = known.loaded(planned.partition)
    accepted = known.accepted.get(_key(planned.partition), ())
    reason = reason_accepted(Gap.THIN, accepted, loaded, known.answer(planned.partition)) if loaded else None
    return replace(planned, accepted={**planned.accepted, Gap.THIN: reason}) if reason is not None else planned


def due_on(feed: Feed, period: Period) -> date:
    """The first day on which the publisher should have the period's file."""
    return period.last_day + timedelta(days=feed.publication_lag_days)


@dataclass(frozen=True)
class Freshness:
    """How far a feed is loaded.

    `newest` is the last period loaded, None if none is. `next` is the first period after it that its calendar expects
    and that a person has not accepted as it is, and `next_due_on` when it is due; None where none comes. `due` counts
    the periods after the newest that are due and not loaded.
    """

    feed: Feed
    newest: Period | None
    next: Period | None
    next_due_on: date | None
    due: int

    @property
    def is_behind(self) -> bool:
        """Whether something newer is due."""
        return self.due > 0


def freshness(plan: Iterable[Planned], state: LedgerState) -> list[Freshness]:
    """How far each feed of a plan is loaded."""
    found = []
    for feed, group in groupby(plan, key=lambda planned: planned.partition.feed):
        loaded = [feed.period(key) for name, key in state.watermarks if name == feed.name]
        newest = max(loaded, default=None)
        after = [one for one in group if newest is None or one.partition.period > newest]
        open_ones = [one.partition.period for one in after if not one.accepted]
        due = [one for one in after if one.open_gaps]
        following = open_ones[0] if open_ones else _following(feed, after[-1].partition.period if after else newest)
        found.append(Freshness(feed, newest, following, due_on(feed, following) if following else None, due=len(due)))
    return found


def _following(feed: Feed, last: Period | None) -> Period | None:
    """The period after the last one; None where the calendar expects none within a year, or cannot say which."""
    if last is None or feed.is_irregular:
        return None
    until = feed.period_of(last.end + timedelta(days=366))
    return next((period for period in feed.calendar.expected(last, until) if period > last), None)


def troubles_of_gaps(state: LedgerState, now: date) -> list[Trouble]:
    """What is a gap and not accepted, and which loads failed: a trouble for each kind."""
    return troubles_of_planned(state, plan_by_ledger(state, now))


def troubles_of_planned(state: LedgerState, plan: Sequence[Planned]) -> list[Trouble]:
    """The same of a plan that is there already, as `plan_by_ledger` gives it.

    A refused load of what is not loaded is a gap of its own, and not told again among the failures.
    """
    refused = {_key(planned.partition) for planned in plan if Gap.REFUSED in planned.open_gaps}
    failed = [one for one in failed_loads(state) if one[0] not in refused]
    return [*troubles_of_plan(plan), *troubles_of_loads(failed)]


def troubles_of_plan(plan: Sequence[Planned]) -> Iterator[Trouble]:
    """A trouble for each kind of gap in a plan that nobody has accepted."""
    for gap in Gap:
        if planned := [one for one in plan if gap in one.open_gaps]:
            yield _trouble_of_gap(gap, planned)


FailedLoad = tuple[tuple[str, str], Attempt]
"""The (feed, partition key) of a load that failed, and how it did."""


def failed_loads(state: LedgerState) -> list[FailedLoad]:
    """Partitions of which the last load failed or was refused, and which nobody has accepted as they are since."""
    return [
        (key, attempt)
        for key, attempt in sorted(state.attempts.items(), key=lambda item: item[0])
        if attempt.status in _FAILURES
        and key[0] in FEEDS
        and not any(gap.state != REJECTED and gap.accepted_at >= attempt.at for gap in state.accepted.get(key, ()))
    ]


def _trouble_of_gap(gap: Gap, plan: Sequence[Planned]) -> Trouble:
    partitions = [planned.partition for planned in plan]
    word = word_for(partition.feed.grain for partition in partitions)
    if gap is Gap.THIN:
        reasons = [f"{one.partition}: {'; '.join(one.thin)}" for one in plan]
    elif gap is Gap.REFUSED:
        by_reason = groupby(plan, key=lambda one: (one.partition.feed, one.note))
        reasons = [_refused(feed, note, list(group)) for (feed, note), group in by_reason]
    else:
        reasons = [_since_when(feed, list(group)) for feed, group in groupby(partitions, key=lambda one: one.feed)]
    is_to_accept = gap in (Gap.REFUSED, Gap.OVERDUE, Gap.THIN)
    return Trouble(
        Level.ATTENTION,
        f"{counted(len(plan), word)} {gap}",
        tuple(reasons),
        _WHAT_TO_DO[gap],
        ("nyc gaps --fill", *PUBLISH_COMMANDS),
        accept_commands(partitions[-_ACCEPTED_AT_ONCE:]) if is_to_accept else (),
    )


_WHAT_TO_DO = {
    Gap.MISSING: "Load what is missing, build and publish.",
    Gap.REFUSED: "Change the keys or their subscription and load again, or accept that it will not come.",
    Gap.REPLACED: "The publisher has another file by now. Load it, build and publish.",
    Gap.OVERDUE: "The publisher did not have it when it was due. Ask again, or accept that it will not come.",
    Gap.THIN: "It may be incomplete. Look again at what the publisher has, or accept it as it is.",
}


def _refused(feed: Feed, note: str, plan: Sequence[Planned]) -> str:
    named = compress([planned.partition.period for planned in plan], feed.calendar.expected)
    return f"{feed.name}: {_cut(named)}: {_cut(note)}"


def _since_when(feed: Feed, partitions: Sequence[Partition]) -> str:
    periods = [partition.period for partition in partitions]
    named = compress(periods, feed.calendar.expected)
    return f"{feed.name}: {_cut(named)}, due since {due_on(feed, min(periods))}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def troubles_of_loads(failed: Sequence[FailedLoad]) -> Iterator[Trouble]:
    """The trouble of loads that failed, if there are any."""
    if not failed:
        return
    reasons = tuple(
        f"{feed} {key}: {_cut(' '.join((attempt.error or 'no reason recorded').split()))}"
        f" ({attempt.at:%Y-%m-%d %H:%M} UTC)"
        for (feed, key), attempt in failed
    )
    advice = "What was loaded before is as it was. Load again, build and publish."
    commands = tuple(load_command(feed, key) for (feed, key), _ in failed[:_COMMANDS])
    yield Trouble(
        Level.ATTENTION,
        f"{counted(len(failed), 'load')} failed",
        reasons,
        advice,
        (*commands, *PUBLISH_COMMANDS),
    )


def load_command(feed: str, period: str, *, is_forced: bool = False) -> str:
    """The command that loads one period of a feed, for copying."""
    return f"nyc load --from {period} --to {period} --sources {feed}" + (" --force" if is_forced else "")


def accept_commands(partitions: Iterable[Partition]) -> tuple[str, ...]:
    """The commands that accept partitions as they are, for readers of releases, too."""
    named = ",".join(f"{partition.feed.name}:{partition.key}" for partition in partitions)
    return f"nyc gaps --accept {named} --reason 'say why'", "nyc publish"


def reopen_commands(partition: Partition) -> tuple[str, ...]:
    """The commands that take back what was accepted."""
    return f"nyc gaps --reopen {partition.feed.name}:{partition.key}", "nyc publish"
