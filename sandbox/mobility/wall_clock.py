"""Months, and New York's wall clock on the two days a year when it is changed.

Since 2007 the clock goes forward on the second Sunday of March (02:00 becomes 03:00) and back on the first Sunday of
November (02:00 becomes 01:00). Times in SQL are seconds since 1970 by the clock on the wall.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from sandbox.distributions import pick
from sandbox.mobility.months import next_month

DAY_SECONDS = 86_400


def previous_month(month: date) -> date:
    """The first day of the month before."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def wall_seconds(day: date) -> int:
    """The day's midnight as seconds since 1970."""
    return (day - date(1970, 1, 1)).days * DAY_SECONDS


def _sunday(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))


def clock_goes_forward(month: date) -> date | None:
    """The day in the month on which 02:00 becomes 03:00."""
    return _sunday(month.year, 3, 2) if month.month == 3 else None


def clock_goes_back(month: date) -> date | None:
    """The day in the month on which 02:00 becomes 01:00."""
    return _sunday(month.year, 11, 1) if month.month == 11 else None


def hour_weights(shares: str) -> dict[int, float]:
    """Shares of the starts by hour, from 24 numbers in a row."""
    return {hour: float(share) for hour, share in enumerate(shares.split())}


def start_seconds(month: date, position: str, weekday_weights: Sequence[float]) -> str:
    """The midnight of a day in the month, from a position in [0, 1) and weights for Monday to Sunday."""
    length = (next_month(month) - month).days
    weights = {day: weekday_weights[(month.weekday() + day) % 7] for day in range(length)}
    return f"{wall_seconds(month)} + {DAY_SECONDS} * {pick(position, weights, 4096)}"


def on_the_wall(month: date, start: str) -> str:
    """A start as clocks show it: nothing starts in the hour that is skipped in March."""
    day = clock_goes_forward(month)
    if day is None:
        return start
    skipped = wall_seconds(day) + 2 * 3600
    return f"if({start} >= {skipped} and {start} < {skipped + 3600}, {start} + 3600, {start})"


def end_on_the_wall(month: date, start: str, seconds: str, rank: str) -> str:
    """The end of something that takes so many seconds, as clocks show it.

    In March what runs past 02:00 ends an hour later on the wall. In November what starts before the
    change ends an hour earlier, some of it before it started; half of the starts between 01:00 and 02:00
    (by rank) are in the first of the two such hours.
    """
    forward, back = clock_goes_forward(month), clock_goes_back(month)
    if forward is not None:
        change = wall_seconds(forward) + 2 * 3600
        return f"{start} + {seconds} + if({start} < {change} and {start} + {seconds} >= {change}, 3600, 0)"
    if back is not None:
        change = wall_seconds(back) + 2 * 3600
        is_before = f"({start} < {change - 3600} or ({start} < {change} and {rank} < 0.5))"
        return f"{start} + {seconds} - if({is_before} and {start} + {seconds} >= {change}, 3600, 0)"
    return f"{start} + {seconds}"
