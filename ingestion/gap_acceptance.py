"""Accepting gaps: a person says that a period will stay as it is, and why. It holds until its file changes."""

from collections.abc import Iterable, Sequence
from datetime import date

from ingestion.catalog import FEEDS
from ingestion.gap_plan import Planned
from ingestion.gap_survey import Survey, survey
from ingestion.partitions import Partition
from ingestion.publication import Gap, State, is_accepted_load
from warehouse.accepted_gaps import (
    AcceptedGap,
    BadAcceptanceError,
    accept_gaps,
    read_accepted_gaps,
    reopen_gaps,
    who_accepts,
)
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import Fingerprint, read_watermarks, utc_now
from warehouse.paths import database_path


def acceptance_example() -> str:
    """How a partition is named, by the example of a feed that there is."""
    feed = next(iter(FEEDS.values()))
    return f"{feed.name}:{feed.first_period}"


def parse_partitions(words: Iterable[str], now: date) -> list[Partition]:
    """Read `FEED:PERIOD,FEED:PERIOD` into partitions, each once.

    Raises:
        BadAcceptanceError: a word is something else, or the feed has no file of that period.
        BadPeriodError: a period is not one of the feed's grain.
    """
    named = [word.strip() for text in words for word in text.split(",")]
    return list(dict.fromkeys(_partition(word, now) for word in [word for word in named if word] or [""]))


def _partition(word: str, now: date) -> Partition:
    name, colon, key = word.partition(":")
    if not colon or name not in FEEDS:
        raise BadAcceptanceError(
            f"expected FEED:PERIOD, such as {acceptance_example()}, with a feed of {', '.join(FEEDS)}, got {word!r}"
        )
    feed = FEEDS[name]
    period = feed.period(key)
    if period < feed.first_period or not period.has_begun(now):
        raise BadAcceptanceError(
            f"expected a {feed.grain} of {name} from {feed.first_period} to the current one, got {key!r}"
        )
    is_expected = period in feed.calendar.expected(period, period)
    # A publisher that lists its files may have one that nobody expects.
    if not (is_expected or feed.publisher.has_listing):
        raise BadAcceptanceError(f"expected a {feed.grain} on which {name} publishes a file, got {key!r}")
    return Partition(feed, period)


def accept(partitions: Sequence[Partition], reason: str, *, now: date, is_offline: bool) -> list[AcceptedGap]:
    """Accept what is wrong with these partitions now: all of them or none.

    They are judged as the planner judges them, among everything that is loaded of their feeds.

    Raises:
        BadAcceptanceError: nothing is wrong with one of them.
        WarehouseError: the DuckDB file cannot be opened.
    """
    found = _survey_with(partitions, now, is_offline)
    by_partition = {planned.partition: planned for planned in found.plan}
    # An irregular period without a file is in no plan.
    states_of = {one: planned.state for one, planned in by_partition.items() if not planned.gaps}
    sound = [one for one in partitions if one in states_of or one not in by_partition]
    if sound:
        states = ", ".join(f"{one} ({states_of.get(one, State.NOT_PUBLISHED)})" for one in sound)
        raise BadAcceptanceError(f"nothing to accept: there is nothing wrong with {states}")
    accepted = [gap for one in partitions for gap in _accepted_now(by_partition[one], found, reason)]
    with open_for_writing() as connection:
        accept_gaps(accepted, connection)
    return accepted


def _survey_with(partitions: Sequence[Partition], now: date, is_offline: bool) -> Survey:
    """A survey of everything loaded of these partitions' feeds, and of these partitions; only they are asked for."""
    feeds = {partition.feed.name: partition.feed for partition in partitions}
    periods = [partition.period for partition in partitions]
    if database_path().exists():
        with open_for_reading() as connection:
            periods += [feeds[name].period(key) for name, key in read_watermarks(connection) if name in feeds]
    return survey(",".join(feeds), min(periods), None, now=now, is_offline=is_offline, asked_of=set(partitions))


def _accepted_now(planned: Planned, found: Survey, reason: str) -> list[AcceptedGap]:
    partition, known = planned.partition, found.known
    loaded = known.loaded(partition)
    published = known.answers.get(partition) or Fingerprint("")
    return [
        AcceptedGap(
            asset=partition.feed.name,
            partition_key=partition.key,
            state=gap,
            reason=reason,
            accepted_by=who_accepts(),
            accepted_at=utc_now(),
            load_id=loaded.load_id if loaded else None,
            file=loaded.fingerprint if loaded and gap is Gap.THIN else published,
        )
        for gap in planned.gaps
    ]


def reopen(partitions: Sequence[Partition]) -> None:
    """Take back what was accepted of these partitions: of all of them or none.

    Raises:
        BadAcceptanceError: nothing is accepted of one of them.
        WarehouseError: the DuckDB file cannot be opened.
    """
    keys = [(partition.feed.name, partition.key) for partition in partitions]
    accepted = {(gap.asset, gap.partition_key) for gap, _ in accepted_so_far()}
    other = [str(partition) for partition, key in zip(partitions, keys, strict=True) if key not in accepted]
    if other:
        raise BadAcceptanceError(f"nothing to take back: nothing is accepted of {', '.join(other)}")
    with open_for_writing() as connection:
        reopen_gaps(keys, connection)


def accepted_so_far() -> list[tuple[AcceptedGap, str]]:
    """Everything that was accepted, each with a note if it no longer holds, as far as the ledger tells.

    Raises:
        WarehouseError: the DuckDB file cannot be opened.
    """
    if not database_path().exists():
        return []
    with open_for_reading() as connection:
        accepted, watermarks = read_accepted_gaps(connection), read_watermarks(connection)
    found = []
    for key, gaps in accepted.items():
        loaded = watermarks.get(key)
        for gap in gaps:
            is_other = loaded is not None and gap.state == Gap.THIN and not is_accepted_load(gap, loaded)
            found.append((gap, "another file was loaded since: no longer accepted" if is_other else ""))
    return found
