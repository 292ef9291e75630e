"""Pages about shares and options."""

from portal.markets import briefing, candles, options
from portal.markets.overview import overview
from portal.markets.words import COLOURS, LOAD_OPTIONS, NAMES
from portal.page import Page, Section

SECTION = Section(
    "Markets",
    (
        Page("Candles", "candles", "candlestick_chart", candles.render),
        Page("Options flow", "options", "swap_vert", options.render, {"core_markets.derived_metrics": LOAD_OPTIONS}),
        Page("Briefing", "briefing", "newspaper", briefing.render),
    ),
    overview,
    names=NAMES,
    colours=COLOURS,
)
