"""Pages about trips and weather."""

from portal.mobility import demand, weather
from portal.mobility import map as map_page
from portal.mobility.overview import overview
from portal.mobility.trips import COLOURS, NAMES
from portal.page import LOAD, Page, Section

_WEATHER = f"{LOAD} --sources taxi,citibike,weather"

SECTION = Section(
    "Mobility",
    (
        Page("Demand", "demand", "stacked_line_chart", demand.render, {"core_core.fct_hourly_mobility": LOAD}),
        Page("Map", "map", "map", map_page.render, {"core_core.fct_trips": LOAD}),
        Page("Weather effect", "weather", "rainy", weather.render, {"core_core.fct_weather_effect": _WEATHER}),
    ),
    overview,
    names=NAMES,
    colours=COLOURS,
)
