"""What is expected of the file of any trip feed."""

from quality.comparisons import rows_like_before
from quality.files import SOURCE_ROWS_ARE_A_KEY, between, not_null, share
from quality.suite import Expectation
from warehouse.periods import Grain

_MINUTES = "date_diff('second', pickup_datetime, dropoff_datetime) / 60.0"

EVERY_FILE: tuple[Expectation, ...] = (
    SOURCE_ROWS_ARE_A_KEY,
    rows_like_before(Grain.MONTH),
    not_null("pickup_datetime"),
    share(
        "pickup_in_source_month",
        # The TLC files trips by pickup, Citi Bike by start or end. A few of the day before and the day after stray in.
        "pickup_datetime >= source_month - interval 1 day"
        " and pickup_datetime < source_month + interval '1 month 1 day'",
        of="pickup_datetime is not null",
        mostly=0.99,
        why="Pickups are in the month of the file. Real files: 99.9 %; a file of another month has none.",
    ),
    share(
        "dropoff_after_pickup",
        "dropoff_datetime >= pickup_datetime",
        of="pickup_datetime is not null and dropoff_datetime is not null",
        mostly=0.998,
        why="Trips end after they begin. When the clock goes back in November, a few seem not to.",
    ),
    share(
        "duration_in_range",
        f"{_MINUTES} between 0 and 1440",
        of="pickup_datetime is not null and dropoff_datetime is not null",
        mostly=0.985,
        why="Trips last a day at most. Real files: 99.5 %; a few bases and drivers end trips a day late.",
    ),
)

# Places of taxis and for-hire vehicles are zones. Before 2011 they were coordinates.
ZONES: tuple[Expectation, ...] = (
    between("pickup_location_id", 1, 265, 0.999, why="TLC has zones 1 to 265.", since="2011-01"),
    between("dropoff_location_id", 1, 265, 0.999, why="TLC has zones 1 to 265.", since="2011-01"),
)
