"""Pages about shares, options and what the exchange streams."""

from portal.markets import briefing, candles, daily_summary, options, positions, streams, traders
from portal.markets.days import SUMMARY
from portal.markets.overview import overview
from portal.markets.words import COLOURS, LOAD_OPTIONS, NAMES, STREAM
from portal.page import Page, Section

SECTION = Section(
    "Markets",
    (
        Page("Candles", "candles", "candlestick_chart", candles.render),
        Page("Daily summary", "summary", "summarize", daily_summary.render, {SUMMARY: STREAM}),
        Page("Traders", "traders", "groups", traders.render, {traders.PERFORMANCE: STREAM}),
        Page("Positions", "positions", "account_balance_wallet", positions.render, {positions.POSITIONS: STREAM}),
        Page("Options flow", "options", "swap_vert", options.render, {"core_markets.derived_metrics": LOAD_OPTIONS}),
        Page("Briefing", "briefing", "newspaper", briefing.render),
        Page("Streams", "streams", "stream", streams.render),
    ),
    overview,
    names=NAMES,
    colours=COLOURS,
)
