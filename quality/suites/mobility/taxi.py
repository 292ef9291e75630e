"""Yellow and green taxis: metered trips with fares. Tolerances are of real files; files before 2011 lack codes."""

from quality.files import between, figure, finite, in_set, not_null, share
from quality.suite import Expectation
from quality.suites.mobility.monthly import monthly, null_share_like_month_before, ratio_to_month_before
from quality.suites.mobility.trips import EVERY_FILE, ZONES

_METERED: tuple[Expectation, ...] = (
    *EVERY_FILE,
    *ZONES,
    not_null("dropoff_datetime"),
    not_null("pickup_location_id", 0.999, since="2011-01"),
    not_null("dropoff_location_id", 0.999, since="2011-01"),
    not_null("trip_distance", 0.999),
    not_null("fare_amount", 0.999),
    not_null("total_amount", 0.999),
    not_null("vendor_id", 0.99, since="2011-01"),
    # Trips of one vendor, and of cabs hailed by app, have no passengers and no rate code: up to 31 % of a file.
    not_null("passenger_count", 0.5),
    *null_share_like_month_before("passenger_count", 0.2),
    share(
        "passengers_and_rate_code_missing_together",
        "(passenger_count is null) = (rate_code_id is null)",
        mostly=0.98,
        why="A vendor leaves out passengers, rate code, flag and surcharge together.",
        since="2011-01",
    ),
    in_set("vendor_id", (1, 2, 3, 4, 5, 6, 7), 0.999, since="2011-01"),
    in_set("rate_code_id", (1, 2, 3, 4, 5, 6, 99), 0.995, since="2011-01"),
    in_set("payment_type_id", (0, 1, 2, 3, 4, 5, 6), 0.999, since="2011-01"),
    between("passenger_count", 0, 9, 0.999),
    between("trip_distance", 0, 200, 0.995, why="Miles; a few meters report hundreds of thousands."),
    share("distance_zero", "trip_distance = 0", at_most=0.15, why="Trips without distance: 3 % in real files."),
    between("fare_amount", -500, 1000, 0.999, why="USD; refunds are negative."),
    share("fare_negative", "fare_amount < 0", at_most=0.15, why="Refunds: 0.3 % of green, 5.4 % of yellow."),
    between("tip_amount", -100, 500, 0.999, why="USD."),
    between("total_amount", -1000, 2000, 0.999, why="USD; refunds are negative."),
    finite(
        "trip_distance",
        "fare_amount",
        "tip_amount",
        "tolls_amount",
        "congestion_surcharge",
        "cbd_congestion_fee",
        "total_amount",
    ),
    share(
        "total_not_below_fare",
        "total_amount >= fare_amount - 0.01",
        of="fare_amount > 0",
        mostly=0.97,
        why="The total includes the fare. The other components do not add up in a third of real rows.",
    ),
    share(
        "cash_trips_without_tip",
        "tip_amount = 0",
        of="payment_type_id = 2",
        mostly=0.99,
        why="Cash tips are not recorded.",
        since="2011-01",
    ),
    share(
        "miles_and_minutes_agree",
        "trip_distance / nullif(date_diff('second', pickup_datetime, dropoff_datetime), 0) * 3600 between 0 and 100",
        of="trip_distance > 0 and dropoff_datetime > pickup_datetime",
        mostly=0.99,
        why="No trip is faster than 100 mph. Otherwise distance or times have another unit.",
    ),
    figure("fare_amount_mean", "avg(fare_amount)", low=5, high=60, why="Mean fare, USD."),
    ratio_to_month_before("fare_amount_mean", 0.75, 1.35, "Mean fare, as a multiple of the month before."),
    figure(
        "trip_distance_mean",
        "avg(case when trip_distance between 0 and 200 then trip_distance end)",
        low=1,
        high=12,
        why="Mean miles, outliers left out.",
    ),
)

YELLOW = monthly("stg_tlc__yellow_taxi", _METERED, ("yellow",))

GREEN = monthly("stg_tlc__green_taxi", (*_METERED, in_set("hail_type_id", (1, 2), 0.999)), ("green",))
