"""What sessions and options are called and which colour they have, and the commands that load markets."""

LOAD = "nyc load --from 2026-01-05 --to 2026-01-09 --sources markets"
LOAD_OPTIONS = "nyc load --from 2026-01-05 --to 2026-01-09 --sources candles_daily,options_snapshots"
STREAM = "nyc stream trades,orderbook,marketdata --once"

SESSIONS = {"premarket": "Pre-market", "market": "Market", "postmarket": "Post-market", "closed": "Closed"}
OPTION_TYPES = {"call": "Calls", "put": "Puts"}
NAMES = {**SESSIONS, **OPTION_TYPES}

# Each stands out by 3 to 1 from white and from black, and they are told apart by the colour-blind.
COLOURS = {
    "Pre-market": "#bf8a00",
    "Market": "#2f86b3",
    "Post-market": "#8a6fb0",
    "Closed": "#8593a0",
    "Calls": "#2f86b3",
    "Puts": "#c2584c",
}
RISING, FALLING = "#3d8b57", "#c2584c"
