"""The facts: what every row must be, and what becomes of each file."""

from quality.files import FEW_ROWS, between, figure, share
from quality.rows import at_least, in_set, mean_between, no_rows, none_where, not_null, row_count, unique_together
from quality.rows import between as rows_between
from quality.subject import Explanation, Quarantine
from quality.suite import Expectation, Suite
from quality.suites.mobility.monthly import monthly, ratio_to_month_before
from warehouse.periods import Grain

# Fewer rows need not touch every day.
_ROWS_OF_A_DAY = 20

_NO_DROPOFF_TIMES = "the files of for-hire bases of 2015 and 2016 have no drop-off times"

QUARANTINE = Quarantine(
    "core_core.quarantined_trips",
    Grain.MONTH,
    shown={"pickup": "pickup_datetime", "drop-off": "dropoff_datetime"},
    explanations=(Explanation("fhv", "missing_times", _NO_DROPOFF_TIMES, before="2017-01"),),
)

TRIP_FEEDS = ("yellow", "green", "fhv", "hvfhv", "citibike", "citibike_jc")
_TRIP_TYPES = ("yellow_taxi", "green_taxi", "fhv", "hvfhv", "citibike")

FCT_TRIPS = Suite(
    "fct_trips",
    "fct_trips",
    "core_core.fct_trips",
    "rows",
    (
        row_count(),
        not_null("trip_id"),
        not_null("pickup_datetime"),
        not_null("dropoff_datetime"),
        not_null("pickup_location_id"),
        not_null("start_station_id"),
        in_set("feed", TRIP_FEEDS),
        in_set("trip_type", _TRIP_TYPES),
        rows_between("pickup_location_id", 1, 265),
        rows_between("dropoff_location_id", 1, 265),
        rows_between("pickup_hour_of_day", 0, 23),
        rows_between("dropoff_hour_of_day", 0, 23),
        mean_between("trip_duration_minutes", 4, 60),
    ),
)

FCT_TRIPS_BY_FILE = monthly(
    "fct_trips",
    (
        figure("one_load", "count(distinct load_id)", low=1, high=1, why="The rows of a file are of one load."),
        share(
            "dropoff_not_before_pickup",
            "dropoff_datetime >= pickup_datetime",
            mostly=0.998,
            why="Rows that end before they begin are quarantined, except where the clock goes back in November.",
        ),
        share(
            "sane_is_neither_outlier_nor_refund",
            "is_sane = (not is_outlier and not is_refund)",
            mostly=1,
            why="Averages leave out outliers and refunds, and nothing else.",
        ),
        share(
            "refund_is_a_negative_total",
            "is_refund = coalesce(total_amount < 0, false)",
            mostly=1,
            why="Refunds are negative totals.",
        ),
        share(
            "measures_only_of_weather_that_is_loaded",
            "temperature_celsius is null",
            of="not has_weather",
            mostly=1,
            why="Trips of hours without weather have no temperature.",
        ),
        share("sane_share", "is_sane", mostly=0.75, why="Neither outlier nor refund: what averages are made of."),
        share("outlier_share", "is_outlier", at_most=0.05, why="Distance, duration or speed out of bounds."),
        share(
            "weather_known",
            "temperature_celsius is not null",
            of="has_weather",
            mostly=0.99,
            why="The hours of weather that are loaded have measures.",
        ),
        between("trip_distance", 0, 200, 0.995, why="Miles; a few meters report hundreds of thousands."),
        between("trip_duration_minutes", 0, 1440, 0.985, why="Trips last a day at most, but for a few."),
        between("avg_speed_mph", 0, 100, 0.99, why="No trip is faster than 100 mph."),
        between("total_amount", -1000, 2000, 0.999, why="USD; refunds are negative."),
        between("passenger_count", 0, 9, 0.999),
        share(
            "rush_hour_share",
            "is_rush_hour",
            mostly=0.05,
            at_most=0.5,
            why="With times in UTC, or all at midnight, too few trips would be in rush hours.",
            severity="warn",
        ),
        share(
            "night_share",
            "pickup_hour_of_day between 2 and 4",
            at_most=0.15,
            why="The city sleeps from 2 to 5. With times that are hours off it would not.",
        ),
        figure(
            "days",
            "count(distinct case when pickup_month = source_month then pickup_date end)",
            low=0,
            why="Days of the month that have trips.",
        ),
        Expectation(
            "days_with_trips",
            "expect_column_values_to_be_between",
            {"column": "days_with_trips", "min_value": 0.9, "max_value": None},
            "The share of the month's days that have trips, without days of known events. Files published early lack"
            " the last days, and files with the rows of another month have none.",
            "warn",
            f"case when loaded_rows >= {_ROWS_OF_A_DAY} * if(coalesce(days, 0) = 0, 1, days_of_period)"
            " then least(1.0, coalesce(days, 0) / nullif(days_of_period - event_days, 0)) end",
            is_comparison=True,
        ),
        figure("trips_a_day", "count(*) / day(last_day(source_month))::double", low=0, why="Mean trips a day."),
        ratio_to_month_before(
            "trips_a_day", 0.4, 2.5, "Trips a day, as a multiple of the month before.", is_count=True
        ),
    ),
    TRIP_FEEDS,
    name="fct_trips_by_file",
    table="core_core.fct_trips",
)

FCT_HOURLY_MOBILITY = Suite(
    "fct_hourly_mobility",
    "fct_hourly_mobility",
    "core_core.fct_hourly_mobility",
    "rows",
    (
        row_count(),
        unique_together("hour_and_type_unique", ("hour_timestamp", "trip_type")),
        not_null("hour_timestamp"),
        in_set("trip_type", _TRIP_TYPES),
        rows_between("trip_count", 1, None, why="Hours without trips have no row."),
        rows_between("pickup_hour_of_day", 0, 23),
        at_least("sane_trips_within_trips", "trip_count", "sane_trip_count"),
        at_least("rush_hour_trips_within_trips", "trip_count", "rush_hour_trip_count"),
        at_least("refunds_within_trips", "trip_count", "refund_count"),
        rows_between("mode_share_pct", 0, 100.000001),
        rows_between("rush_hour_share_pct", 0, 100.000001),
        rows_between("avg_trip_duration_minutes", 0, 1440),
        no_rows(
            "median_trip_duration_minutes_in_range",
            "select count(*) from {batch} where sane_trip_count >= 20 having"
            " count(case when median_trip_duration_minutes not between 2 and 90 then 1 end) > 0.05 * count(*)",
            "The median trip of an hour takes from 2 to 90 minutes, in 95 % of the hours with 20 trips or more.",
            "warn",
        ),
        none_where(
            "rush_hour_counts_all_trips_or_none",
            "rush_hour_trip_count <> case when is_rush_hour then trip_count else 0 end",
            "An hour is a rush hour for all its trips or for none.",
        ),
        no_rows(
            "mode_shares_add_up",
            "select hour_timestamp from {batch} group by hour_timestamp having abs(sum(mode_share_pct) - 100) > 0.001",
            "The shares of an hour's types add up to 100 %.",
        ),
    ),
)

_DAY_TRIPS = (
    "(select pickup_date, trip_type, sum(trip_count) as day_trips from core_core.fct_hourly_mobility group by all)"
)

# Empty where trips have no weather.
FCT_WEATHER_EFFECT = Suite(
    "fct_weather_effect",
    "fct_weather_effect",
    "core_core.fct_weather_effect",
    "rows",
    (
        unique_together("date_type_and_condition_unique", ("pickup_date", "trip_type", "weather_condition")),
        not_null("pickup_date"),
        in_set("trip_type", _TRIP_TYPES),
        in_set("weather_condition", ("rain", "snow", "cold", "heat", "wind")),
        rows_between("hour_count", 1, 24),
        rows_between("trip_count", 0, None, why="Hours without trips count with 0."),
        rows_between("expected_trip_count", 0, None, why="Means of counts are not negative."),
        none_where(
            "month_is_of_the_date",
            "pickup_month <> date_trunc('month', pickup_date)",
            "The month is that of the date.",
        ),
        no_rows(
            "trips_within_those_of_the_day",
            "select pickup_date, trip_type, weather_condition from {batch} as effects"
            f" left join {_DAY_TRIPS} as days using (pickup_date, trip_type)"
            " where trip_count > coalesce(day_trips, 0)",
            "The trips in hours with the weather are among the trips of the date.",
        ),
        no_rows(
            "effect_is_plausible",
            "select trip_type, weather_condition from {batch} group by all having sum(hour_count) >= 100"
            " and sum(expected_trip_count) >= 10000"
            " and sum(trip_count) / sum(expected_trip_count) not between 0.2 and 3",
            "Weather does not end or multiply travel: trips are 20 % to 300 % of those expected, where there are 100"
            " hours and 10,000 expected trips or more.",
            "warn",
        ),
    ),
)

# Trips and quarantined rows counted: together they are the rows of the file.
_PUBLISHED = """
    (
        select feed, source_month, row_count, reason
        from (select feed, source_month, reason, count(*) as row_count from core_core.quarantined_trips group by all)
        union all by name
        select feed, source_month, count(*) as row_count from core_core.fct_trips group by all
    )
"""
_REJECTED = "coalesce(sum(case when reason is not null then row_count end), 0)"

QUARANTINED_TRIPS = monthly(
    "quarantined_trips",
    (
        figure(
            "quarantined_share",
            f"case when {_REJECTED} between 1 and {FEW_ROWS} then 0.0 else {_REJECTED} / sum(row_count) end",
            high=QUARANTINE.tolerance,
            why="The share of the file's rows that cannot be a trip. `python -m quality.quarantine` shows them.",
        ),
    ),
    TRIP_FEEDS,
    table=_PUBLISHED,
    detail=f"""case
        when feed = 'fhv' and arg_max(reason, row_count) filter (reason is not null) = 'missing_times'
        then 'missing_times: {_NO_DROPOFF_TIMES}'
        else 'mostly ' || arg_max(reason, row_count) filter (reason is not null)
    end""",
)

FACTS = (FCT_TRIPS, FCT_TRIPS_BY_FILE, FCT_HOURLY_MOBILITY, FCT_WEATHER_EFFECT, QUARANTINED_TRIPS)
