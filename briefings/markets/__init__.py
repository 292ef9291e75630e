"""What markets say of a day: trading, the watchlist, options, and what is unusual."""

from briefings.day import SubjectBriefing
from briefings.markets.anomalies import anomalies
from briefings.markets.options import flow, volatility
from briefings.markets.trading import movers, sessions, trading
from briefings.markets.watchlist import watchlist

BRIEFING = SubjectBriefing("Markets", sections=(trading, movers, sessions, watchlist, volatility, flow, anomalies))
