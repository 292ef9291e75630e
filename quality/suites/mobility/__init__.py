"""The quality of the subject `mobility`: its suites in the order in which data flows, its quarantine, its listings."""

from quality.subject import Listing, Quarantine
from quality.suite import Suite
from quality.suites.mobility.citibike import CITIBIKE
from quality.suites.mobility.dimensions import DIMENSIONS
from quality.suites.mobility.facts import FACTS, QUARANTINE
from quality.suites.mobility.for_hire import FHV, HVFHV
from quality.suites.mobility.taxi import GREEN, YELLOW
from quality.suites.mobility.weather import WEATHER
from quality.suites.mobility.zones import TAXI_ZONES

SUITES: tuple[Suite, ...] = (YELLOW, GREEN, FHV, HVFHV, CITIBIKE, WEATHER, TAXI_ZONES, *DIMENSIONS, *FACTS)

QUARANTINES: tuple[Quarantine, ...] = (QUARANTINE,)

LISTINGS: tuple[Listing, ...] = (
    Listing(
        "assert_every_month_of_trips_has_weather",
        "months of trips without weather",
        "strftime(month_without_weather, '%Y-%m')",
    ),
    Listing(
        "assert_no_day_of_a_loaded_month_is_without_trips",
        "days without trips",
        "feed || ' ' || date_day",
    ),
    Listing(
        "assert_trips_of_a_day_are_like_those_of_its_weekday",
        "days unlike their weekday",
        "feed || ' ' || pickup_date || ': ' || trip_count || ' trips, median ' || median_trip_count",
    ),
)
