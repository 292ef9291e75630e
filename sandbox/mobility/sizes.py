"""How many rows a month's file has, and the key that its random draws come from."""

import math
from datetime import date

from sandbox.distributions import first_key

# Rows a month for one row of yellow, from the sizes of real months (yellow has about 3.3 million).
_ROWS_FOR_A_YELLOW_ROW = {
    "yellow": 1.0,
    "green": 0.0152,
    "fhv": 0.394,
    "hvfhv": 6.06,
    "citibike": 1.06,
    "citibike_jc": 0.018,
}
_FEWEST_ROWS = 120

# January to December, against a mean of 1. Few people cycle in winter.
_BY_CAR = (0.95, 0.94, 1.04, 1.01, 1.05, 1.0, 0.95, 0.93, 1.0, 1.06, 1.02, 1.05)
_BY_BIKE = (0.52, 0.57, 0.73, 0.88, 1.14, 1.3, 1.28, 1.26, 1.36, 1.4, 1.01, 0.63)

# Part of the keys: to change a number changes the feed's files.
_FEED_NUMBERS = {feed: number for number, feed in enumerate(_ROWS_FOR_A_YELLOW_ROW, 1)}
_FIRST_YEAR = 2000


def rows_of_month(feed: str, month: date, *, rows: int, revision: int = 0) -> int:
    """How many rows the month's file has, when a month of yellow has about `rows`."""
    season = (_BY_BIKE if feed.startswith("citibike") else _BY_CAR)[month.month - 1]
    # A file that is published again seldom has the same length.
    again = 1 + 0.001 * math.sqrt(revision)
    return max(_FEWEST_ROWS, round(rows * _ROWS_FOR_A_YELLOW_ROW[feed] * season * again)) + 7 * revision


def key_of_month(feed: str, month: date, revision: int) -> int:
    """The key of the file's first draw."""
    return first_key(_FEED_NUMBERS[feed], (month.year - _FIRST_YEAR) * 12 + month.month, revision)
