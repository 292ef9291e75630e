"""What is expected of the file of any trip feed."""

from quality.files import (
    ROWS_AS_LOADED,
    ROWS_LIKE_MONTH_BEFORE,
    SOURCE_ROWS_ARE_A_KEY,
    between,
    difference_to_month_before,
    not_null,
    share,
)
from quality.suite import Expectation

_MINUTES = "date_diff('second', pickup_datetime, dropoff_datetime) / 60.0"

EVERY_FILE: tuple[Expectation, ...] = (
    ROWS_AS_LOADED,
    SOURCE_ROWS_ARE_A_KEY,
    ROWS_LIKE_MONTH_BEFORE,
    not_null("pickup_datetime"),
    share(
        "pickup_in_source_month",
        # TLC files by month of pickup, Citi Bike by month of start or of end; a few of the next and the last day stray.
        "pickup_datetime >= source_month - interval 1 day"
        " and pickup_datetime < source_month + interval '1 month 1 day'",
        of="pickup_datetime is not null",
        mostly=0.99,
        why="Pickups are in the month of the file; another month's in its place has none. Real files: 99.9 %.",
    ),
    share(
        "dropoff_after_pickup",
        "dropoff_datetime >= pickup_datetime",
        of="pickup_datetime is not null and dropoff_datetime is not null",
        mostly=0.998,
        why="Trips end after they begin; in the hour that comes twice in November a few seem not to.",
    ),
    share(
        "duration_in_range",
        f"{_MINUTES} between 0 and 1440",
        of="pickup_datetime is not null and dropoff_datetime is not null",
        mostly=0.985,
        why="Trips last a day at most. Real files: 99.5 %; a few bases and drivers end trips a day late.",
    ),
)

# Taxis and for-hire vehicles: places are zones. Before 2011 they were coordinates.
ZONES: tuple[Expectation, ...] = (
    between("pickup_location_id", 1, 265, 0.999, why="TLC has zones 1 to 265.", since="2011-01"),
    between("dropoff_location_id", 1, 265, 0.999, why="TLC has zones 1 to 265.", since="2011-01"),
)


def null_share_like_month_before(column: str, at_most: float) -> tuple[Expectation, Expectation]:
    """A column's share of missing values, and how far it is from that of the month before."""
    name = f"{column}_null_share"
    return (
        share(name, f"{column} is null", at_most=1.0, why=f"The share of rows without {column}."),
        difference_to_month_before(
            name, at_most, f"The share of rows without {column}, less that of the month before."
        ),
    )
