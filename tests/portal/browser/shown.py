"""The pages, which portal has something to show on each, and what that is."""

from portal.frame import sections

PAGES = [page for section in sections() for page in section.pages]

# The portal whose release has what the page shows, by the title of its section; elsewhere that of the sample.
PORTALS = {"Markets": "port_of_markets", "Telemetry": "port_of_telemetry"}
PORT_OF = {page.path: PORTALS.get(section.title, "port") for section in sections() for page in section.pages}

# The width of a window, and of a telephone, in pixels.
WIDE, NARROW = 1280, 400

DAY = "2025-03-12"

# The address at which a page has most to show.
ADDRESSES = {"candles": {"ticker": "SPY", "bars": "Minutes", "from": DAY, "to": DAY}}

# What a page has to show.
SHOWN = {
    "candles": ("by minute", "New York time"),
    "summary": ("Gainers and losers", "by value traded"),
    "traders": ("Ranking", "Realised PnL in USD"),
    "positions": ("Unrealised PnL by trader", "At average cost"),
    "options": ("Largest changes",),
    "briefing": ("In short", "Movers"),
    "streams": ("Partitions", "Rejected by reason"),
    "runs": ("Success rate", "Runs by day", "By pipeline", "Latest failed runs"),
    "profiles": ("Influence and engagement", "Followers over time"),
    "event_files": ("Incomplete and broken files", "By hour and day"),
}
