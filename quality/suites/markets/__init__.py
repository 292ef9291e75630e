"""The quality of the subject `markets`: its suites in the order in which data flows, its quarantines, its listings."""

from quality.subject import Listing, Quarantine
from quality.suite import Suite
from quality.suites.markets import broker, gold, minute_bars, reference_data, streams

SUITES: tuple[Suite, ...] = (
    *reference_data.SUITES,
    *minute_bars.SUITES,
    *broker.SUITES,
    *streams.SUITES,
    *gold.SUITES,
)

QUARANTINES: tuple[Quarantine, ...] = (
    minute_bars.QUARANTINE,
    broker.QUARANTINE,
    streams.QUARANTINE,
    reference_data.QUARANTINE,
)

LISTINGS: tuple[Listing, ...] = (
    Listing(
        "assert_few_tickers_of_a_day_are_anomalous",
        "days on which many tickers are unlike their past",
        "source_date || ': ' || anomaly_count || ' of ' || ticker_count || ' tickers, mostly ' || reason",
    ),
)
