"""Which files are watched and requested, as plain functions."""

from datetime import date, datetime

import pytest

from ingestion.catalog import CATALOG, FEEDS
from ingestion.partitions import Partition
from ingestion.publication import NOT_ASKED, Gap
from orchestration.sensors.publication_plan import (
    PublicationCursor,
    Wanted,
    from_next,
    mark,
    new_of,
    requested_after,
    runs_of,
    wanted_of,
    watched_partitions,
)
from tests.partitions import partition_of
from warehouse.accepted_gaps import AcceptedGap, AcceptedGaps
from warehouse.ledger import Fingerprint, Watermark
from warehouse.periods import Grain, month

TODAY = datetime(2025, 11, 21)


def _partition(feed: str, month: int) -> Partition:
    return partition_of(FEEDS[feed], date(2025, month, 1))


def _loaded(*partitions: Partition, etag: str = '"1"') -> dict[tuple[str, str], Watermark]:
    file = Fingerprint("https://publisher/file", etag=etag)
    return {(p.feed.name, p.key): Watermark("1.0", 1, None, None, file) for p in partitions}


def test_the_newest_months_that_are_due_are_watched_and_those_that_ended_since() -> None:
    watched = watched_partitions(CATALOG, _loaded(Partition(FEEDS["yellow"], month(2024, 1))), TODAY, {Grain.MONTH: 2})
    # August is due by the end of October; September and October have ended, November has not.
    assert [str(partition) for partition in watched] == [f"yellow 2025-{month:02}" for month in (7, 8, 9, 10)]


def test_a_feed_is_watched_from_its_first_loaded_month_on_and_not_at_all_without_one() -> None:
    loaded = _loaded(_partition("yellow", 8), _partition("citibike", 10))
    a_fact = {("fct_trips", "2020-01"): loaded["yellow", "2025-08"]}
    watched = watched_partitions(CATALOG, loaded | a_fact, TODAY, {Grain.MONTH: 6})
    assert [str(partition) for partition in watched] == [
        "yellow 2025-08",
        "yellow 2025-09",
        "yellow 2025-10",
        "citibike 2025-10",
    ]


def test_a_tick_begins_where_the_one_before_stopped() -> None:
    months = [_partition("yellow", month) for month in (7, 8, 9)]
    assert from_next(months, PublicationCursor(next="yellow 2025-08")) == [months[1], months[2], months[0]]
    assert from_next(months, PublicationCursor(next="yellow 2020-01")) == months
    assert from_next([], PublicationCursor(next="yellow 2025-08")) == []


def test_a_file_is_told_by_its_etag_wherever_it_is_else_by_date_and_length() -> None:
    assert mark(Fingerprint("https://a", etag='W/"1"', last_modified="x")) == mark(Fingerprint("http://b", etag='"1"'))
    assert mark(Fingerprint("https://a", etag='"1"')) != mark(Fingerprint("https://a", etag='"2"'))
    assert mark(Fingerprint("https://a", content_length=1)) != mark(Fingerprint("https://a", content_length=2))


def test_a_file_is_wanted_if_it_is_published_and_not_the_loaded_one() -> None:
    yellow, file = _partition("yellow", 8), Fingerprint("https://mirror/file", etag='"1"')
    assert wanted_of(yellow, {}, {}, None, TODAY) is None
    assert wanted_of(yellow, {}, {}, file, TODAY) == Wanted(yellow, mark(file))
    assert wanted_of(yellow, _loaded(yellow), {}, file, TODAY) is None
    assert wanted_of(yellow, _loaded(yellow, etag='"0"'), {}, file, TODAY) == Wanted(yellow, mark(file))


def _accepted(state: Gap, file: Fingerprint) -> AcceptedGaps:
    gap = AcceptedGap("yellow", "2025-08", state, "snow", "me", datetime(2025, 11, 20), None, file)
    return {("yellow", "2025-08"): [gap]}


def test_what_a_person_accepted_is_not_wanted_until_there_is_another_file() -> None:
    yellow, file, other = _partition("yellow", 8), Fingerprint("", etag='"2"'), Fingerprint("", etag='"3"')
    missing, replaced = _accepted(Gap.MISSING, file), _accepted(Gap.REPLACED, file)
    assert wanted_of(yellow, {}, missing, file, TODAY) is None
    assert wanted_of(yellow, {}, missing, NOT_ASKED, TODAY) is None
    assert wanted_of(yellow, {}, missing, other, TODAY) == Wanted(yellow, mark(other))
    assert wanted_of(yellow, _loaded(yellow), replaced, file, TODAY) is None
    assert wanted_of(yellow, _loaded(yellow), replaced, other, TODAY) == Wanted(yellow, mark(other))
    # An overdue month that was accepted has come after all.
    overdue = _accepted(Gap.OVERDUE, Fingerprint(""))
    assert wanted_of(yellow, {}, overdue, file, TODAY) == Wanted(yellow, mark(file))


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (datetime(2025, 11, 6), None),
        (datetime(2025, 11, 7), "due-1"),
        (datetime(2025, 11, 13), "due-1"),
        (datetime(2025, 11, 14), "due-2"),
    ],
)
def test_weather_is_wanted_once_a_publication_lag_from_the_day_it_is_due(today: datetime, expected: str | None) -> None:
    weather = _partition("weather", 10)
    wanted = wanted_of(weather, {}, {}, NOT_ASKED, today)
    assert (wanted.mark if wanted else None) == expected
    assert wanted_of(weather, _loaded(weather), {}, NOT_ASKED, today) is None


def test_what_was_requested_is_new_again_only_with_another_file() -> None:
    cursor = PublicationCursor(requested={"yellow 2025-08": "a", "green 2025-08": "a"})
    wanted = [Wanted(_partition("yellow", 8), "a"), Wanted(_partition("green", 8), "b")]
    assert new_of(wanted, cursor) == wanted[1:]


def test_the_cursor_forgets_what_was_loaded_and_keeps_what_it_could_not_see() -> None:
    cursor = PublicationCursor(requested={"yellow 2025-07": "a", "yellow 2025-08": "a", "fhv 2025-08": "a"})
    wanted = [Wanted(_partition("yellow", 8), "b")]
    assert requested_after(cursor, wanted, unseen=[_partition("fhv", 8)]) == {
        "yellow 2025-08": "b",
        "fhv 2025-08": "a",
    }


def test_a_month_of_several_feeds_is_one_run_with_one_key() -> None:
    wanted = [Wanted(_partition(feed, month), "a") for feed, month in (("green", 9), ("citibike", 8), ("yellow", 9))]
    runs = runs_of(CATALOG, wanted)
    assert [(run.period.start.month, run.feeds) for run in runs] == [(8, ["citibike"]), (9, ["yellow", "green"])]
    assert runs[1].key == "2025-09 yellow:a green:a"


def test_a_cursor_survives_its_writing_and_another_one_is_refused() -> None:
    cursor = PublicationCursor(next="yellow 2025-08", requested={"green 2025-08": "a"})
    assert PublicationCursor.from_json(cursor.to_json()) == cursor
    assert PublicationCursor.from_json(None) == PublicationCursor()
    with pytest.raises(ValueError, match="Invalid JSON"):
        PublicationCursor.from_json("1.2.3")


def _hours(feed: str, *numbers: int, mark: str = "a") -> list[Wanted]:
    """Hours of a day."""
    feed_ = FEEDS[feed]
    return [Wanted(Partition(feed_, feed_.period(f"2025-08-01T{number:02}")), mark) for number in numbers]


def test_all_hours_of_a_subject_are_one_run_whose_key_changes_with_any_of_their_files() -> None:
    wanted = [*_hours("pipeline_events", 9, 3), Wanted(_partition("green", 9), "a")]
    hours, months = runs_of(CATALOG, wanted)
    assert (hours.period.key, hours.last.key, hours.feeds) == ("2025-08-01T03", "2025-08-01T09", ["pipeline_events"])
    assert hours.key.startswith("2025-08-01T03 to 2025-08-01T09 ")
    assert months.key == "2025-09 green:a"
    (grown,) = runs_of(CATALOG, [*_hours("pipeline_events", 9), *_hours("pipeline_events", 3, mark="b")])
    assert grown.key != hours.key
    (one,) = runs_of(CATALOG, _hours("pipeline_events", 3))
    assert one.key == "2025-08-01T03 pipeline_events:a"


def test_of_an_irregular_feed_the_newest_periods_are_watched_and_none_of_what_is_the_platforms_own() -> None:
    catalog, now = CATALOG.only(["pipeline_events", "platform_runs"]), datetime(2025, 8, 2, 7, 30)
    loaded = {**_loaded(_hours("pipeline_events", 1)[0].partition), **_loaded(_hours("platform_runs", 1)[0].partition)}
    for count in (3, 30, 10**12):
        found = watched_partitions(catalog, loaded, now, dict.fromkeys(Grain, count))
        assert {one.feed.name for one in found} == {"pipeline_events"}
        # From the hour that is loaded to the one before this.
        assert [found[0].key, found[-1].key] == [
            f"2025-08-0{2 if count == 3 else 1}T0{4 if count == 3 else 1}",
            "2025-08-02T06",
        ]
