"""Write the briefing of a day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from briefings.day import Day, Document, SubjectBriefing
from briefings.feed_days import FeedDay, expected_period, feed_days, newest_day
from briefings.markdown import NO_VALUE, Column, code, day_in_words, table, text
from briefings.subjects import briefings_of_subjects
from ingestion.feeds import Subject
from ingestion.ledger_gaps import load_command
from ingestion.partitions import no_file_expected
from metrics.numbers import count
from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.durable import write_durably
from warehouse.ledger import utc_now
from warehouse.paths import database_path
from warehouse.periods import compress
from warehouse.releases import Source


class NoSuchDayError(ValueError):
    """No subject expects a file of the day, such as a day on which nobody trades."""


class DayNotLoadedError(NotThereYetError):
    """Nothing of the day is loaded."""


@dataclass(frozen=True)
class WrittenBriefing:
    """A briefing that was written, its size in bytes, and what it is from."""

    path: Path
    bytes: int
    source: str


def briefing_folder() -> Path:
    """Where briefings are: `briefings` beside the DuckDB file."""
    return database_path().parent / "briefings"


def newest_day_loaded(connection: duckdb.DuckDBPyConnection) -> date:
    """The newest day of which something is loaded.

    Raises:
        DayNotLoadedError: there is none.
    """
    feeds = [feed for subject, _ in briefings_of_subjects() for feed in subject.feeds]
    day = newest_day(feeds, connection)
    if day is None:
        names = ", ".join(subject.name for subject, _ in briefings_of_subjects())
        raise DayNotLoadedError(f"nothing of {names} is loaded yet. Load a day, build and publish: nyc load --help")
    return day


def write_briefing(day: date, source: Source, connection: duckdb.DuckDBPyConnection) -> WrittenBriefing:
    """Write the briefing of a day into a file of that day. The same day of the same release gives the same bytes.

    Raises:
        NoSuchDayError, DayNotLoadedError, WarehouseError: as for `briefing_of`, or the file cannot be written.
    """
    markdown = briefing_of(day, source, connection).markdown
    path = briefing_folder() / f"{day}.md"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, markdown)
    except OSError as error:
        raise WarehouseError(f"{path}: the briefing cannot be written: {error.strerror}. Free or change it.") from error
    return WrittenBriefing(path, path.stat().st_size, _name_of(source))


def briefing_of(day: date, source: Source, connection: duckdb.DuckDBPyConnection) -> Document:
    """The briefing of a day, of all subjects that have one and have files of that day.

    Raises:
        NoSuchDayError: no subject expects a file of that day.
        DayNotLoadedError: nothing of the day is loaded.
        WarehouseError: the source cannot be read.
    """
    subjects = briefings_of_subjects()
    expecting = [each for each in subjects if any(expected_period(feed, day) for feed in each[0].feeds)]
    if not expecting:
        feeds = [feed for subject, _ in subjects for feed in subject.feeds if not feed.is_irregular]
        raise NoSuchDayError(f"{day}: {no_file_expected(feeds)}. Ask for another day.")
    as_of = source.release.published_at if source.release else utc_now()
    days = [_day_of(subject, day, source, connection, as_of) for subject, _ in expecting]
    if not any(one.loaded for each in days for one in each.feeds if one.period):
        raise DayNotLoadedError(_nothing_loaded(day, days, source))
    parts = [_part(briefing, each, as_of) for (_, briefing), each in zip(expecting, days, strict=True)]
    titles = " and ".join(briefing.title for _, briefing in expecting)
    return Document(f"{titles} on {day:%A}, {day_in_words(day)}", "\n\n".join(parts))


def _day_of(subject: Subject, day: date, source: Source, connection: duckdb.DuckDBPyConnection, as_of: datetime) -> Day:
    return Day(day, source, connection, tuple(feed_days(subject.feeds, day, connection, as_of)))


def _nothing_loaded(day: date, days: list[Day], source: Source) -> str:
    feeds = ",".join(one.feed.name for each in days for one in each.feeds if one.period)
    then = "build and publish" if source.release else "and build"
    return f"{day}: nothing of this day is loaded in {source}. Load it, {then}: {load_command(feeds, str(day))}"


def _part(briefing: SubjectBriefing, day: Day, as_of: datetime) -> str:
    sections = [section(day) for section in briefing.sections]
    missing = [one for one in day.feeds if one.is_missing]
    first = [f"**Not here yet:** {'; '.join(_when(one, as_of) for one in missing)}."] if missing else []
    return "\n\n".join([*first, *(section for section in sections if section), _from(day, as_of)])


def _when(one: FeedDay, as_of: datetime) -> str:
    name = code(one.feed.name)
    return name if one.due_on is None else f"{name} ({_due(one.due_on, as_of)})"


def _due(due: date, as_of: datetime) -> str:
    return f"due on {day_in_words(due)}" if due >= as_of.date() else f"late: due on {day_in_words(due)}"


def _from(day: Day, as_of: datetime) -> str:
    columns = (
        Column("Feed", False),
        Column("Of", False),
        Column("Rows"),
        Column("Loaded, UTC", False),
        Column("Load", False),
    )
    lines = table(columns, (_cells(one, as_of) for one in day.feeds))
    said = [
        "## What this is from",
        f"{_name_of(day.source)}. Of feeds without regular days it is the newest file until the day.",
        lines,
        *_missing_until(day),
    ]
    return "\n\n".join(said)


def _cells(one: FeedDay, as_of: datetime) -> list[str]:
    if one.loaded:
        loaded = one.loaded
        return [
            code(one.feed.name),
            str(loaded.period),
            count(loaded.rows),
            f"{loaded.at:%Y-%m-%d %H:%M}",
            text(loaded.load_id),
        ]
    why = "not loaded" if one.due_on is None else f"not loaded; {_due(one.due_on, as_of)}"
    return [code(one.feed.name), str(one.period or NO_VALUE), NO_VALUE, why, NO_VALUE]


def _missing_until(day: Day) -> Iterator[str]:
    """What is missing until the day, and how to load it."""
    for one in day.feeds:
        if one.error:
            yield f"The last load of {code(one.feed.name)} {one.period} failed: {text(one.error)}"
    behind = [one for one in day.feeds if one.gaps]
    if not behind:
        yield "Nothing else that is due is missing until this day."
        return
    listed = "\n".join(f"- {code(one.feed.name)}: {compress(one.gaps, one.feed.calendar.expected)}" for one in behind)
    feeds = ",".join(one.feed.name for one in behind)
    first = min(one.gaps[0] for one in behind)
    command = f"nyc load --from {first} --to {day.date} --sources {feeds}"
    yield f"Due and missing, or replaced at the publisher, until this day:\n\n{listed}\n\n```\n{command}\n```"


def _name_of(source: Source) -> str:
    if source.release is None:
        return "Working file, not published"
    return f"Release {source.release.id}, published {source.release.published_at:%Y-%m-%d %H:%M} UTC"
