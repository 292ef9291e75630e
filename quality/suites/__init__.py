"""Every suite, in the order in which data flows."""

from quality.suite import Suite
from quality.suites.citibike import CITIBIKE
from quality.suites.dimensions import DIMENSIONS
from quality.suites.facts import FACTS
from quality.suites.for_hire import FHV, HVFHV
from quality.suites.taxi import GREEN, YELLOW
from quality.suites.weather import WEATHER

SUITES: tuple[Suite, ...] = (YELLOW, GREEN, FHV, HVFHV, CITIBIKE, WEATHER, *DIMENSIONS, *FACTS)
