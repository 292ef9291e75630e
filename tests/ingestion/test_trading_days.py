"""The days and hours on which the exchange trades."""

from datetime import date, time

import pytest

from ingestion.catalog import FEEDS
from ingestion.markets.trading_days import CLOSED_DAYS, TRADING_DAYS, closed_days_text, sessions, trading_days
from ingestion.partitions import partitions_between
from ingestion.run_pipeline import parse_arguments
from warehouse.periods import Period, day, month

BARS = FEEDS["minute_aggs"]


def _expected(first: Period, last: Period) -> list[str]:
    return [period.key for period in TRADING_DAYS.expected(first, last)]


def test_weekends_and_holidays_have_no_file() -> None:
    assert _expected(day(2025, 12, 24), day(2026, 1, 5)) == [
        "2025-12-24",
        "2025-12-26",
        "2025-12-29",
        "2025-12-30",
        "2025-12-31",
        "2026-01-02",
        "2026-01-05",
    ]
    assert _expected(day(2026, 1, 1), day(2026, 1, 1)) == []
    assert _expected(day(2026, 1, 6), day(2026, 1, 5)) == []
    # A day of mourning, which no rule foresees.
    assert date(2025, 1, 9) not in trading_days(date(2025, 1, 1), date(2025, 1, 31))


def test_the_kept_days_are_those_of_the_library() -> None:
    assert CLOSED_DAYS.read_text() == closed_days_text(), "write it again: trading_days.keep_closed_days()"


def test_the_first_file_is_of_september_2003() -> None:
    assert [one.key for one in partitions_between([BARS], month(2003, 9), month(2003, 9))][:7][-1] == "2003-09-10"
    assert BARS.first_period.key == "2003-09-10"


@pytest.mark.parametrize(
    ("when", "closes_at", "is_half_day"),
    [
        (date(2025, 11, 28), time(13), True),
        (date(2026, 12, 24), time(13), True),
        (date(2025, 11, 26), time(16), False),
        # Before and after the clocks change.
        (date(2026, 3, 6), time(16), False),
        (date(2026, 3, 9), time(16), False),
        (date(2025, 10, 31), time(16), False),
        (date(2025, 11, 3), time(16), False),
    ],
)
def test_a_session_is_by_new_yorks_clock(when: date, closes_at: time, is_half_day: bool) -> None:
    (session,) = sessions(when, when)
    assert (session.opens_at, session.closes_at, session.is_half_day) == (time(9, 30), closes_at, is_half_day)


@pytest.mark.parametrize(
    "asked", [["--sources", "candles_daily"], ["--sources", "minute_aggs", "--dry-run"]], ids=["an API", "asks nobody"]
)
def test_a_request_for_a_holiday_is_refused_in_words(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments([*asked, "--from", "2026-01-01", "--to", "2026-01-01"])
    assert ended.value.code == 2
    expected = f"2026-01-01: {asked[1]} has no file then, by the trading days of the New York Stock Exchange"
    assert expected in capsys.readouterr().err


def test_a_range_has_its_trading_days() -> None:
    _, partitions = parse_arguments(["--sources", "minute_aggs", "--from", "2026-01-02", "--to", "2026-01-30"])
    assert len(partitions) == 20
