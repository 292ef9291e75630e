"""The suites of the subject `mobility`, in the order in which data flows."""

from quality.suite import Suite
from quality.suites.mobility.citibike import CITIBIKE
from quality.suites.mobility.dimensions import DIMENSIONS
from quality.suites.mobility.facts import FACTS
from quality.suites.mobility.for_hire import FHV, HVFHV
from quality.suites.mobility.taxi import GREEN, YELLOW
from quality.suites.mobility.weather import WEATHER

SUITES: tuple[Suite, ...] = (YELLOW, GREEN, FHV, HVFHV, CITIBIKE, WEATHER, *DIMENSIONS, *FACTS)
