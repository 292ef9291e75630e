"""The days on which the New York Stock Exchange trades, and the hours of each.

Holidays and half-days come from `exchange_calendars` (its calendar XNYS). The weekdays on which it is closed are also
kept in `closed_days.txt`: whoever asks only for days does not wait for that library and pandas. After an upgrade of the
library, `keep_closed_days` writes the file again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from warehouse.periods import Period, period_range

_EXCHANGE = "XNYS"
NEW_YORK = ZoneInfo("America/New_York")
# No feed begins earlier. The calendar is made for these years, whatever is asked of it, and then kept.
_FIRST_DAY = date(1998, 1, 1)
_LAST_DAY = date(2050, 12, 31)
# A line for each.
CLOSED_DAYS = Path(__file__).with_name("closed_days.txt")
# Holidays are decided some years ahead: what is known of later years may change.
_FIRST_DAY_FOR_DBT = date(2003, 1, 1)
_DAYS_FOR_DBT = (date(2031, 1, 1) - _FIRST_DAY_FOR_DBT).days
_CLOSES_AT = "16:00"
_SATURDAY = 5


@dataclass(frozen=True)
class Session:
    """The hours in which the exchange trades on a day, by New York's clock. On a half-day it closes at 13:00."""

    day: date
    opens_at: time
    closes_at: time

    @property
    def is_half_day(self) -> bool:
        """Whether it closes earlier than at 16:00."""
        return self.closes_at < time(16)


class TradingDays:
    """A file for each day on which the exchange trades: a weekend or holiday is no gap."""

    description = "the trading days of the New York Stock Exchange"

    def expected(self, first: Period, last: Period) -> Iterable[Period]:
        """The trading days from the first day to the last."""
        if first > last:
            return []
        days = _all_days()
        return [period for period in period_range(first, last) if period.first_day in days]


TRADING_DAYS = TradingDays()


def trading_days(first: date, last: date) -> frozenset[date]:
    """The days from the first to the last, both included, on which the exchange trades."""
    return frozenset(day for day in _all_days() if first <= day <= last)


def sessions(first: date, last: date) -> list[Session]:
    """The sessions from the first day to the last, both included, by time."""
    calendar = _calendar()
    found = []
    for day in sorted(trading_days(first, last)):
        opens, closes = (_in_new_york(moment) for moment in calendar.session_open_close(str(day)))
        found.append(Session(day, opens.time(), closes.time()))
    return found


def closings_csv() -> str:
    """Weekdays on which the exchange is closed or closes early, for dbt: a line each, with the time it closes at."""
    closes = {day.date(): f"{moment.astimezone(NEW_YORK):%H:%M}" for day, moment in _calendar().closes.items()}
    lines = [
        f"{day},{closes.get(day, '')}\n"
        for day in (_FIRST_DAY_FOR_DBT + timedelta(days=number) for number in range(_DAYS_FOR_DBT))
        if day.weekday() < _SATURDAY and closes.get(day) != _CLOSES_AT
    ]
    return "".join(["closing_date,closes_at\n", *lines])


def closed_days_text() -> str:
    """What `CLOSED_DAYS` has to hold: the weekdays on which the exchange is closed, by the library."""
    opened = {moment.date() for moment in _calendar().sessions}
    return "".join(f"{day}\n" for day in _weekdays() if day not in opened)


def keep_closed_days() -> None:
    """Write the file."""
    CLOSED_DAYS.write_text(closed_days_text(), encoding="ascii")


def _in_new_york(moment: Any) -> datetime:
    found: datetime = moment.to_pydatetime().astimezone(NEW_YORK)
    return found


@cache
def _all_days() -> frozenset[date]:
    closed = {date.fromisoformat(line) for line in CLOSED_DAYS.read_text(encoding="ascii").split()}
    return frozenset(day for day in _weekdays() if day not in closed)


def _weekdays() -> list[date]:
    count = (_LAST_DAY - _FIRST_DAY).days + 1
    days = (_FIRST_DAY + timedelta(days=number) for number in range(count))
    return [day for day in days if day.weekday() < _SATURDAY]


@cache
def _calendar() -> Any:
    # Imported here because it takes more than a second.
    import exchange_calendars

    return exchange_calendars.get_calendar(_EXCHANGE, start=str(_FIRST_DAY), end=str(_LAST_DAY))
