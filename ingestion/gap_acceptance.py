"""Accepting gaps: a person says that a month is as it will be, and why, until there is another file of it."""

import getpass
import os
from collections.abc import Iterable, Sequence
from datetime import date

from ingestion.catalog import FEEDS
from ingestion.gap_plan import Planned
from ingestion.gap_survey import Survey, survey
from ingestion.partitions import Partition
from ingestion.publication import Gap, is_accepted_load
from warehouse.accepted_gaps import AcceptedGap, accept_gaps, read_accepted_gaps, reopen_gaps
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import Fingerprint, read_watermarks, utc_now
from warehouse.paths import database_path

_LONGEST_REASON = 200


class BadAcceptanceError(ValueError):
    """What was to be accepted or reopened is not, or the reason is none."""


def parse_partitions(words: Iterable[str], today: date) -> list[Partition]:
    """Read `citibike_jc:2021-02,green:2024-01` into months of feeds, each once.

    Raises:
        BadAcceptanceError: a word is none, or names no month of a feed's.
        BadPeriodError: a month is none.
    """
    partitions = []
    named = [word.strip() for text in words for word in text.split(",")]
    for word in [word for word in named if word] or [""]:
        name, colon, month = word.partition(":")
        if not colon or name not in FEEDS:
            raise BadAcceptanceError(
                f"expected FEED:YYYY-MM, such as citibike_jc:2021-02, with a feed of {', '.join(FEEDS)}, got {word!r}"
            )
        partition = Partition(FEEDS[name], FEEDS[name].period(month))
        if partition.period < partition.feed.first_period or partition.period.first_day > today:
            raise BadAcceptanceError(
                f"expected a month of {name} from {partition.feed.first_period} to the current one, got {month!r}"
            )
        partitions.append(partition)
    return list(dict.fromkeys(partitions))


def parse_reason(text: str | None) -> str:
    """A reason as it is kept: one line that can be printed.

    Raises:
        BadAcceptanceError: it is empty, too long, or has characters that cannot be printed.
    """
    reason = (text or "").strip()
    if not reason or len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise BadAcceptanceError(
            f"expected --reason with one line of 1 to {_LONGEST_REASON} printable characters, such as --reason 'snow'"
        )
    return reason


def accept(partitions: Sequence[Partition], reason: str, *, today: date, is_offline: bool) -> list[AcceptedGap]:
    """Accept what is wrong with these months now, all of them or none.

    They are judged as the planner judges them among all months that are loaded.

    Raises:
        BadAcceptanceError: nothing is wrong with one of them.
        WarehouseError: the DuckDB file cannot be opened.
    """
    found = _survey_with(partitions, today, is_offline)
    by_partition = {planned.partition: planned for planned in found.plan}
    whole = [one for one in partitions if not by_partition[one].gaps]
    if whole:
        stands = ", ".join(f"{one} ({by_partition[one].state})" for one in whole)
        raise BadAcceptanceError(f"expected months with something to accept, but there is nothing wrong with {stands}")
    accepted = [gap for one in partitions for gap in _accepted_now(by_partition[one], found, reason)]
    with open_for_writing() as connection:
        accept_gaps(accepted, connection)
    return accepted


def _survey_with(partitions: Sequence[Partition], today: date, is_offline: bool) -> Survey:
    """The plan of everything from the first month loaded, with these months in it; publishers are asked for these."""
    periods = [partition.period for partition in partitions]
    if database_path().exists():
        with open_for_reading() as connection:
            periods += [FEEDS[name].period(key) for name, key in read_watermarks(connection) if name in FEEDS]
    names = ",".join(dict.fromkeys(partition.feed.name for partition in partitions))
    return survey(
        names,
        min(periods, key=lambda period: period.start),
        None,
        today=today,
        is_offline=is_offline,
        asked_of=set(partitions),
    )


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
            accepted_by=_user(),
            accepted_at=utc_now(),
            load_id=loaded.load_id if loaded else None,
            file=loaded.fingerprint if loaded and gap is Gap.THIN else published,
        )
        for gap in planned.gaps
    ]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # In a container the user need not have a name.
        return f"user {os.getuid()}"


def reopen(partitions: Sequence[Partition]) -> None:
    """Take back what was accepted of these months, of all of them or none.

    Raises:
        BadAcceptanceError: nothing is accepted of one of them.
        WarehouseError: the DuckDB file cannot be opened.
    """
    keys = [(partition.feed.name, partition.key) for partition in partitions]
    accepted = {(gap.asset, gap.partition_key) for gap, _ in accepted_so_far()}
    other = [str(partition) for partition, key in zip(partitions, keys, strict=True) if key not in accepted]
    if other:
        raise BadAcceptanceError(f"expected months that were accepted, but nothing is accepted of {', '.join(other)}")
    with open_for_writing() as connection:
        reopen_gaps(keys, connection)


def accepted_so_far() -> list[tuple[AcceptedGap, str]]:
    """All that was accepted, each with what has become of it since, as far as the ledger tells.

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
