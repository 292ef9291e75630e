"""What markets say of a day: all in short, then movers, sessions, the watchlist, options, and what is unusual."""

from briefings.day import SubjectBriefing
from briefings.markets.anomalies import anomalies
from briefings.markets.in_short import in_short
from briefings.markets.options import flow, volatility
from briefings.markets.trading import movers, sessions
from briefings.markets.watchlist import watchlist

BRIEFING = SubjectBriefing("Markets", sections=(in_short, movers, watchlist, volatility, flow, anomalies, sessions))
