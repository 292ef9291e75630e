"""Periods and their keys."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.periods import (
    BadPeriodError,
    Grain,
    Period,
    compress,
    day,
    moment,
    month,
    parse_partition_key,
    partition_key,
    period_range,
    word_for,
)

GRAINS = st.sampled_from(Grain)
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31))
PERIODS = st.builds(Period, GRAINS, TIMES)
# A digit, and not one of ASCII's.
TWO = "\N{ARABIC-INDIC DIGIT TWO}"


def _hour(key: str) -> Period:
    return Period.parse(Grain.HOUR, key)


@given(PERIODS)
def test_a_key_is_read_as_the_period_it_was_written_for(period: Period) -> None:
    assert Period.parse(period.grain, period.key) == period
    assert Period.of_any_grain(period.key) == period
    assert len(period.key) == len(period.grain.form)


@given(st.none() | st.from_regex("[a-z][a-z0-9_/]*", fullmatch=True), PERIODS)
def test_a_key_with_a_feed_is_read_as_both(feed: str | None, period: Period) -> None:
    assert parse_partition_key(partition_key(feed, period)) == (feed, period)


@given(GRAINS, TIMES)
def test_a_period_holds_the_time_it_was_made_of(grain: Grain, when: datetime) -> None:
    period = Period(grain, when)
    assert period.start <= when < period.end
    assert period.first_day <= when.date() <= period.last_day
    assert Period(grain, period.start) == period


@given(PERIODS)
def test_the_next_period_begins_where_the_one_before_ends(period: Period) -> None:
    assert period.next().start == period.end
    assert period.next().previous() == period
    assert period.previous().next() == period
    assert period.previous() < period < period.next()


def test_how_long_periods_are() -> None:
    assert (month(2024, 2).end, month(2025, 12).end) == (datetime(2024, 3, 1), datetime(2026, 1, 1))
    assert day(2024, 2, 29).end == datetime(2024, 3, 1)
    assert _hour("2025-12-31T23").end == datetime(2026, 1, 1)
    assert (month(2024, 2).first_day, month(2024, 2).last_day) == (date(2024, 2, 1), date(2024, 2, 29))


@given(PERIODS)
def test_the_days_of_a_period_are_those_from_its_first_to_its_last(period: Period) -> None:
    days = list(period.days())
    assert (days[0], days[-1]) == (period.first_day, period.last_day)
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))
    assert len(days) == max(1, (period.end - period.start).days)


@given(PERIODS, st.integers(0, 100))
def test_a_range_has_every_period_once_and_in_order(first: Period, steps: int) -> None:
    last = first
    for _ in range(steps):
        last = last.next()
    found = list(period_range(first, last))
    assert (found[0], found[-1], len(found)) == (first, last, steps + 1)
    assert all(earlier.end == later.start for earlier, later in pairwise(found))
    assert list(period_range(last.next(), first)) == []


@given(st.lists(PERIODS))
def test_periods_are_ordered_by_time_whatever_their_grain(periods: list[Period]) -> None:
    assert sorted(periods) == sorted(periods, key=lambda period: (period.start, period.end))


@given(PERIODS, TIMES)
def test_a_period_has_begun_from_its_start_and_ended_from_its_end(period: Period, now: datetime) -> None:
    assert period.has_begun(now) is (period.start <= now)
    assert period.has_ended(now) is (period.end <= now)


def test_a_date_stands_for_its_midnight() -> None:
    assert moment(date(2025, 5, 1)) == datetime(2025, 5, 1)
    assert month(2025, 5).has_begun(date(2025, 5, 1))
    assert not month(2025, 5).has_ended(date(2025, 5, 31))
    assert month(2025, 5).has_ended(date(2025, 6, 1))


@given(GRAINS, st.text() | st.from_regex(r"\d{1,5}-\d{1,3}(-\d{1,3})?([T ]\d{1,3})?\s?"))
def test_a_text_is_a_key_only_if_it_is_what_that_period_is_written_as(grain: Grain, text: str) -> None:
    try:
        key = Period.parse(grain, text).key
    except BadPeriodError:
        return
    assert key == text


@pytest.mark.parametrize(
    "key",
    [
        "", "2025", "2025-1", "2025-13", "2025-00", "0000-01", "2025-02-30", "2025-5-01", "2025-05-00",
        "2025-05-01T24", "2025-05-01T4", "2025-05-01T04:00", "2025-05-01 04", "2025-05-01t04",
        "2025-05\n", " 2025-05", "2025-05-01\n", "+2025-05", "-2025-05", f"{TWO}025-05",
        f"2025-0{TWO}", "2025-W18-4", "202505", "20250501", "x" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(key: str) -> None:
    for grain in Grain:
        with pytest.raises(BadPeriodError, match=grain.form):
            Period.parse(grain, key)
    with pytest.raises(BadPeriodError) as error:
        Period.of_any_grain(key)
    assert len(str(error.value)) < 600


def test_a_key_of_another_grain_is_refused() -> None:
    with pytest.raises(BadPeriodError, match="expected a day as YYYY-MM-DD, such as 2025-01-03, but got '2025-05'"):
        Period.parse(Grain.DAY, "2025-05")


@given(GRAINS, TIMES, st.sets(st.integers(0, 60)))
def test_compressed_periods_are_the_periods(grain: Grain, when: datetime, steps: set[int]) -> None:
    every = [Period(grain, when)]
    for _ in range(60):
        every.append(every[-1].next())
    periods = {every[step] for step in steps}
    expanded: list[Period] = []
    for run in compress(periods).split(", ") if periods else ():
        ends = [Period.parse(grain, key) for key in run.split(" … ")]
        expanded += period_range(ends[0], ends[-1])
    assert expanded == sorted(periods)


def test_compressed_periods_read_at_a_glance() -> None:
    assert compress([*period_range(month(2024, 11), month(2025, 4)), month(2025, 6)]) == "2024-11 … 2025-04, 2025-06"
    assert compress(period_range(day(2025, 2, 27), day(2025, 3, 1))) == "2025-02-27 … 2025-03-01"
    assert compress([]) == ""


def test_periods_that_follow_each_other_in_a_calendar_are_one_run() -> None:
    def weekdays(first: Period, last: Period) -> list[Period]:
        return [period for period in period_range(first, last) if period.start.weekday() < 5]

    may = [*weekdays(day(2025, 5, 8), day(2025, 5, 13)), day(2025, 5, 15)]
    assert compress(may, weekdays) == "2025-05-08 … 2025-05-13, 2025-05-15"
    # A Saturday that the calendar does not expect stands alone.
    assert compress([*may, day(2025, 5, 10)], weekdays) == (
        "2025-05-08 … 2025-05-09, 2025-05-10, 2025-05-12 … 2025-05-13, 2025-05-15"
    )


def test_what_to_call_periods() -> None:
    assert word_for([Grain.DAY, Grain.DAY]) == "day"
    assert word_for([Grain.DAY, Grain.MONTH]) == "period"
    assert word_for([]) == "period"
