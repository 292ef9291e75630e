"""Citi Bike, New York and Jersey City. Rides before 2021-02 have neither id nor kind of bike."""

from quality.files import between, figure, finite, in_set, not_null, share
from quality.suites.mobility.monthly import monthly, null_share_like_month_before, ratio_to_month_before
from quality.suites.mobility.trips import EVERY_FILE

CITIBIKE = monthly(
    "stg_citibike__trips",
    (
        *EVERY_FILE,
        not_null("dropoff_datetime"),
        not_null("ride_id", since="2021-02"),
        share(
            "ride_id_well_formed",
            "length(ride_id) = 16",
            of="ride_id is not null",
            mostly=0.999,
            why="Ids of rides are 16 hex digits. A reader that takes them for numbers shortens them.",
            since="2021-02",
        ),
        # A ride has no end where the bike is not brought back to a dock: up to 0.35 % of real files.
        not_null("start_station_id", 0.95),
        not_null("end_station_id", 0.95),
        not_null("start_station_name", 0.95),
        *null_share_like_month_before("end_station_id", 0.05),
        share(
            "station_id_is_text",
            "(start_station_id not like '%.%' or start_station_id like '%.__'"
            " or start_station_id like '%.__~_' escape '~')",
            of="start_station_id is not null",
            mostly=0.999,
            why="Ids of stations keep their two decimals: `6498.10` read as a number is another station.",
        ),
        in_set("bike_type", ("classic_bike", "electric_bike", "docked_bike"), 0.999),
        not_null("bike_type", 0.999, since="2021-02"),
        in_set("rider_type", ("member", "casual"), 0.999),
        not_null("rider_type", 0.95),
        share("member_share", "rider_type = 'member'", mostly=0.3, at_most=0.98, why="Most riders are members."),
        between("start_latitude", 40.4, 41.1, 0.999, why="New York and Jersey City, degrees."),
        between("start_longitude", -74.3, -73.6, 0.999, why="New York and Jersey City, degrees."),
        between("end_latitude", 40.4, 41.1, 0.995, why="New York and Jersey City, degrees."),
        between("end_longitude", -74.3, -73.6, 0.995, why="New York and Jersey City, degrees."),
        finite("start_latitude", "start_longitude", "end_latitude", "end_longitude"),
        figure(
            "duration_mean_minutes",
            "avg(case when date_diff('minute', pickup_datetime, dropoff_datetime) between 0 and 1440"
            " then date_diff('second', pickup_datetime, dropoff_datetime) / 60.0 end)",
            low=4,
            high=45,
            why="Mean minutes, outliers left out.",
        ),
        ratio_to_month_before("duration_mean_minutes", 0.6, 1.7, "Mean minutes, as a multiple of the month before."),
    ),
    ("citibike", "citibike_jc"),
)
