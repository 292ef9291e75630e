"""For-hire vehicles: the bases' own files (fhv), and those of Uber, Lyft and their like (hvfhv)."""

from quality.files import between, figure, finite, in_set, not_null, share
from quality.suites.mobility.monthly import monthly, null_share_like_month_before, ratio_to_month_before
from quality.suites.mobility.trips import EVERY_FILE, ZONES

FHV = monthly(
    "stg_tlc__fhv_taxi",
    (
        *EVERY_FILE,
        *ZONES,
        not_null("dispatching_base_number", 0.999),
        # Files of 2015 and 2016 have none, which quarantined_trips reports. A later file without is an error.
        not_null("dropoff_datetime", 0.99, since="2017-01"),
        not_null("dropoff_location_id", 0.5, since="2017-01"),
        *null_share_like_month_before("pickup_location_id", 0.25),
        share(
            "dispatching_base_number_well_formed",
            "dispatching_base_number like 'B_____'",
            of="dispatching_base_number is not null",
            mostly=0.99,
            why="Licence numbers are B and five more.",
        ),
    ),
    ("fhv",),
)

HVFHV = monthly(
    "stg_tlc__hvfhv_taxi",
    (
        *EVERY_FILE,
        *ZONES,
        not_null("dropoff_datetime"),
        not_null("license_number"),
        in_set("license_number", ("HV0002", "HV0003", "HV0004", "HV0005"), 0.999),
        not_null("trip_distance", 0.999),
        not_null("fare_amount", 0.999),
        between("trip_distance", 0, 300, 0.999, why="Miles."),
        between("fare_amount", -100, 1000, 0.999, why="USD, before tips, tolls, taxes and fees."),
        between("tip_amount", 0, 500, 0.999, why="USD."),
        between("driver_pay_amount", -200, 1000, 0.999, why="USD."),
        finite("trip_distance", "fare_amount", "total_amount", "driver_pay_amount"),
        share(
            "duration_as_published",
            "abs(published_duration_seconds - date_diff('second', pickup_datetime, dropoff_datetime)) <= 60",
            of="published_duration_seconds is not null",
            mostly=0.98,
            why="The file also gives the duration. It agrees with the times, except on the day the clocks change.",
        ),
        share(
            "total_not_below_fare",
            "total_amount >= fare_amount - 0.01",
            of="fare_amount > 0",
            mostly=0.99,
            why="The total is the fare and what comes on top.",
        ),
        figure("fare_amount_mean", "avg(fare_amount)", low=5, high=60, why="Mean fare, USD."),
        ratio_to_month_before("fare_amount_mean", 0.75, 1.35, "Mean fare, as a multiple of the month before."),
        *null_share_like_month_before("originating_base_number", 0.2),
    ),
    ("hvfhv",),
)
