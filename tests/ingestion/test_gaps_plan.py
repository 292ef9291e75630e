"""Where a partition stands, and when a loaded month seems not to be all of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.feeds import FEEDS, Feed
from ingestion.gap_plan import (
    Coverage,
    DayCount,
    Known,
    Planned,
    State,
    compress,
    is_due,
    is_same_file,
    is_worth_asking,
    plan_gaps,
    thin_reasons,
)
from ingestion.partitions import Partition, last_day, month_range, next_month
from warehouse.ledger import Fingerprint, Watermark

YELLOW, WEATHER = FEEDS["yellow"], FEEDS["weather"]
MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)
TODAY = date(2025, 12, 24)
FILE = Fingerprint("https://publisher/may", '"a"', "Mon, 01 Sep 2025 12:00:00 GMT", 1000)
EVERY_DAY = set(range(7))


def _days(month: date) -> list[date]:
    return [month + timedelta(days=offset) for offset in range(last_day(month).day)]


def _covering(days: list[date], *, rows_a_day: int = 100, load_id: str = "1") -> Coverage:
    return Coverage(load_id, rows_a_day * len(days), {day: DayCount(rows_a_day, 24, 24) for day in days})


def _hourly(month: date, *, filled: Mapping[int, int]) -> Coverage:
    """A row an hour; `filled` says of some days of the month how many of their hours have values."""
    days = {day: DayCount(24, 24, filled.get(day.day, 24)) for day in _days(month)}
    return Coverage("1", 24 * len(days), days)


def _known(*partitions: Partition, file: Fingerprint = FILE) -> Known:
    """These partitions are loaded whole."""
    coverage = {partition: _covering(_days(partition.month)) for partition in partitions}
    watermarks = {
        (partition.feed.name, partition.key): Watermark(covered.load_id, covered.rows, None, None, file)
        for partition, covered in coverage.items()
    }
    return Known(watermarks, coverage)


def _planned(partition: Partition, known: Known, today: date = TODAY) -> Planned:
    (planned,) = plan_gaps([partition], known, today)
    return planned


def test_what_was_never_loaded_is_missing_if_the_publisher_has_it() -> None:
    partition = Partition(YELLOW, MAY)
    assert _planned(partition, Known(answers={partition: FILE})) == Planned(partition, State.MISSING)
    planned = _planned(partition, Known(answers={partition: None}))
    assert planned == Planned(partition, State.NOT_PUBLISHED, "due by now")
    assert not planned.is_gap


@pytest.mark.parametrize(
    ("today", "state"), [(date(2025, 7, 30), State.NOT_PUBLISHED), (date(2025, 7, 31), State.MISSING)]
)
def test_who_was_not_asked_is_judged_by_publication_lag(today: date, state: State) -> None:
    assert _planned(Partition(YELLOW, MAY), Known(), today) == Planned(Partition(YELLOW, MAY), state)


def test_a_month_published_before_its_lag_is_over_is_missing() -> None:
    partition = Partition(YELLOW, MAY)
    assert _planned(partition, Known(answers={partition: FILE}), date(2025, 6, 20)).state is State.MISSING
    assert _planned(partition, Known(answers={partition: None}), date(2025, 6, 20)).note == ""


def test_nobody_is_asked_for_a_month_that_has_not_ended() -> None:
    partition = Partition(YELLOW, MAY)
    assert not is_worth_asking(partition, Known(), date(2025, 5, 31))
    assert is_worth_asking(partition, Known(), date(2025, 6, 1))
    assert is_worth_asking(partition, _known(partition), date(2025, 5, 31))


def test_nobody_is_asked_for_a_file_that_only_its_content_tells_apart() -> None:
    partition = Partition(WEATHER, MAY)
    assert not is_worth_asking(partition, _known(partition, file=Fingerprint("x", content_hash="1")), TODAY)


def test_months_before_a_feeds_first_are_not_planned() -> None:
    before = Partition(YELLOW, date(2008, 12, 1))
    assert plan_gaps([before], Known(), TODAY) == []
    assert not is_worth_asking(before, Known(), TODAY)


@pytest.mark.parametrize(
    ("published", "state"),
    [
        (FILE, State.LOADED),
        (replace(FILE, url="https://mirror/may", last_modified="Tue, 02 Sep 2025 12:00:00 GMT"), State.LOADED),
        (replace(FILE, etag='W/"a"'), State.LOADED),
        (replace(FILE, etag='"b"'), State.REPLACED),
        (replace(FILE, etag=None), State.LOADED),
        (replace(FILE, etag=None, last_modified="Tue, 02 Sep 2025 12:00:00 GMT"), State.REPLACED),
        (replace(FILE, etag=None, last_modified=None, content_length=1001), State.REPLACED),
        (Fingerprint(FILE.url), State.LOADED),
    ],
)
def test_a_replaced_file_is_told_by_its_marks(published: Fingerprint, state: State) -> None:
    partition = Partition(YELLOW, MAY)
    known = replace(_known(partition), answers={partition: published})
    assert _planned(partition, known) == Planned(partition, state)
    assert is_same_file(FILE, published) is (state is State.LOADED)


def test_a_loaded_month_stays_loaded_when_its_publisher_has_it_no_longer() -> None:
    partition = Partition(YELLOW, MAY)
    planned = _planned(partition, replace(_known(partition), answers={partition: None}))
    assert planned == Planned(partition, State.LOADED, "no longer at the publisher")


@pytest.mark.parametrize(
    ("coverage", "note"),
    [
        (_covering(_days(MAY)[:20]), "the raw table holds 2,000 rows, the ledger says 3,100"),
        (_covering(_days(MAY), load_id="2"), "the raw table holds another load than the ledger says"),
        (None, "the raw table holds 0 rows, the ledger says 3,100"),
    ],
)
def test_a_ledger_that_the_raw_table_does_not_bear_out_is_not_believed(coverage: Coverage | None, note: str) -> None:
    partition = Partition(YELLOW, MAY)
    known = replace(_known(partition), coverage={partition: coverage} if coverage else {})
    assert _planned(partition, known) == Planned(partition, State.MISSING, note)


def test_only_what_is_missing_replaced_or_thin_is_a_gap() -> None:
    partition = Partition(YELLOW, MAY)
    assert [state for state in State if Planned(partition, state).is_gap] == [State.MISSING, State.REPLACED]
    assert Planned(partition, State.LOADED, thin=("few rows",)).is_gap


@pytest.mark.parametrize(
    ("first", "last", "reasons"),
    [
        (1, 31, ()),
        (3, 31, ("no rows before 2025-05-03",)),
        (1, 20, ("no rows after 2025-05-20",)),
        (2, 30, ("no rows before 2025-05-02 or after 2025-05-30",)),
    ],
)
def test_rows_that_do_not_reach_the_ends_of_the_month_are_thin(first: int, last: int, reasons: tuple[str, ...]) -> None:
    covered = _covering(_days(MAY)[first - 1 : last])
    assert thin_reasons(MAY, covered, EVERY_DAY, {"2025-05": covered.rows}) == reasons


def test_a_month_whose_rows_are_all_of_other_months_is_thin() -> None:
    assert thin_reasons(MAY, Coverage("1", 500, {}), EVERY_DAY, {"2025-05": 500}) == ("no rows within the month",)


def test_a_feed_with_few_rows_a_day_may_have_days_without() -> None:
    covered = _covering(_days(MAY)[2:], rows_a_day=4)
    assert thin_reasons(MAY, covered, EVERY_DAY, {"2025-05": covered.rows}) == ()


def test_a_feed_that_rests_on_weekends_misses_none() -> None:
    market = replace(YELLOW, name="minute_bars")
    # March 2025 begins with a Saturday, August ends with a Sunday.
    partitions = [Partition(market, date(2025, month, 1)) for month in (3, 8)]
    coverage = {p: _covering([day for day in _days(p.month) if day.weekday() < 5]) for p in partitions}
    watermarks = {(market.name, p.key): Watermark("1", coverage[p].rows, None, None, FILE) for p in partitions}
    assert [planned.thin for planned in plan_gaps(partitions, Known(watermarks, coverage), TODAY)] == [(), ()]


@pytest.mark.parametrize(
    ("filled", "reasons"),
    [({}, ()), ({7: 23}, ("1 of 744 hours missing",)), ({30: 0, 31: 0}, ("48 of 744 hours missing",))],
)
def test_an_hourly_series_misses_every_hour_without_values(filled: dict[int, int], reasons: tuple[str, ...]) -> None:
    assert thin_reasons(MAY, _hourly(MAY, filled=filled), EVERY_DAY, {"2025-05": 744}) == reasons


@pytest.mark.parametrize(
    ("rows", "neighbours", "is_thin"),
    [
        (49, {"2025-03": 100, "2025-04": 100, "2025-06": 100, "2025-07": 100}, True),
        (50, {"2025-03": 100, "2025-04": 100, "2025-06": 100, "2025-07": 100}, False),
        (49, {"2025-03": 100, "2025-04": 100}, False),
        (33, {"2025-03": 100, "2025-04": 100}, True),
        (33, {"2025-07": 100}, True),
        (25, {"2025-02": 100, "2025-08": 100}, False),
        (25, {}, False),
    ],
)
def test_far_fewer_rows_than_the_neighbours_are_thin(rows: int, neighbours: dict[str, int], is_thin: bool) -> None:
    reasons = thin_reasons(MAY, _covering(_days(MAY)), EVERY_DAY, {"2025-05": rows, **neighbours})
    assert reasons == ((f"{rows} rows, {rows}% of its neighbours' 100",) if is_thin else ())


# Thousands of Citi Bike trips in New York, January to December of a usual year.
CITIBIKE_SEASON = (1900, 2100, 2700, 3200, 4200, 4800, 4700, 4600, 5000, 5100, 3700, 2300)


@given(st.sets(st.sampled_from(list(month_range(date(2023, 1, 1), date(2025, 12, 1)))), min_size=1))
def test_no_season_makes_a_month_thin_whichever_months_are_loaded(loaded: set[date]) -> None:
    rows = {f"{month:%Y-%m}": CITIBIKE_SEASON[month.month - 1] for month in loaded}
    for month in loaded:
        assert thin_reasons(month, _covering(_days(month)), EVERY_DAY, rows) == ()


MONTHS = st.dates(date(1999, 1, 1), date(2031, 12, 1)).map(lambda day: day.replace(day=1))


@given(st.sets(MONTHS))
def test_compressed_months_are_the_months(months: set[date]) -> None:
    expanded: list[date] = []
    for run in compress(months).split(", ") if months else ():
        ends = [date.fromisoformat(f"{month}-01") for month in run.split(" … ")]
        expanded += month_range(ends[0], ends[-1])
    assert expanded == sorted(months)


def test_compressed_months_read_at_a_glance() -> None:
    months = [*month_range(date(2024, 11, 1), date(2025, 4, 1)), JUNE]
    assert compress(months) == "2024-11 … 2025-04, 2025-06"


@st.composite
def _situations(draw: st.DrawFn) -> tuple[list[Partition], Known, date]:
    """Any feed's months, some loaded, some asked for, with files that may be the loaded ones."""
    feeds: list[Feed] = draw(st.lists(st.sampled_from(list(FEEDS.values())), min_size=1, max_size=3, unique=True))
    partitions = [Partition(feed, month) for feed in feeds for month in month_range(date(2025, 1, 1), TODAY)]
    known = _known(*draw(st.sets(st.sampled_from(partitions))))
    files = st.sampled_from([FILE, replace(FILE, etag='"b"'), None])
    answers = draw(st.dictionaries(st.sampled_from(partitions), files))
    return partitions, replace(known, answers=answers), draw(st.dates(date(2025, 1, 1), date(2026, 6, 30)))


@given(_situations())
def test_every_partition_has_one_state_that_follows_from_what_is_known(
    situation: tuple[list[Partition], Known, date],
) -> None:
    partitions, known, today = situation
    plan = plan_gaps(partitions, known, today)
    assert [planned.partition for planned in plan] == partitions
    for planned in plan:
        partition, is_asked = planned.partition, planned.partition in known.answers
        file = known.answers.get(partition)
        if known.loaded(partition):
            is_other = file is not None and file.etag != FILE.etag
            assert planned.state is (State.REPLACED if is_other else State.LOADED)
        else:
            is_published = file is not None if is_asked else is_due(partition, today)
            assert planned.state is (State.MISSING if is_published else State.NOT_PUBLISHED)
            assert planned.thin == ()


@given(_situations())
def test_a_plan_that_was_filled_has_no_gap_left(situation: tuple[list[Partition], Known, date]) -> None:
    partitions, known, today = situation
    plan = plan_gaps(partitions, known, today)
    loaded = [planned.partition for planned in plan if planned.is_gap or planned.state is State.LOADED]
    filled = replace(_known(*loaded), answers={p: FILE if file else None for p, file in known.answers.items()})
    assert not any(planned.is_gap for planned in plan_gaps(partitions, filled, today))


def test_neighbours_reach_over_the_turn_of_the_year() -> None:
    december = date(2024, 12, 1)
    rows = {"2024-12": 10, f"{next_month(december):%Y-%m}": 100}
    assert thin_reasons(december, _covering(_days(december)), EVERY_DAY, rows) != ()
