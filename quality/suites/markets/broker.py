"""Candles and options of the watchlist, by the broker's API, and what is made of them."""

from quality.comparisons import rows_like_before
from quality.files import SOURCE_ROWS_ARE_A_KEY, between, figure, in_set, not_null, share
from quality.rejected import quarantine_suite
from quality.rows import at_least, no_rows, none_where, unique_together
from quality.rows import between as rows_between
from quality.subject import Quarantine
from quality.suites.markets.bars import bars, trade_size
from quality.suites.markets.daily import (
    ONE_LOAD,
    SCHEMA,
    daily,
    difference_to_day_before,
    mart,
    mart_by_day,
    ratio_to_day_before,
)
from warehouse.periods import Grain

_OPTION_TYPES = ("call", "put")
_VWAP_WITHIN_RANGE = "vwap between low * 0.999 and high * 1.001"

# A file of candles has a row a share of the watchlist: one of them is a tenth. Their faults only warn, because the
# rows are quarantined, and the others are right.
STAGED_CANDLES = daily(
    "stg_broker__candles_daily",
    (
        *bars(key="symbol", time="began_at_utc", mostly=1, severity="warn"),
        share(
            "vwap_within_the_range",
            _VWAP_WITHIN_RANGE,
            of="vwap is not null",
            mostly=1,
            why="The average price is between the lowest and the highest.",
            severity="warn",
        ),
        trade_size("trade_count", 5, 5000),
    ),
    ("candles_daily",),
)

STAGED_OPTION_BARS = daily(
    "stg_broker__options_bars",
    (
        *bars(key="contract", time="began_at_utc", mostly=0.999),
        not_null("underlying", 0.999),
        share(
            "contract_is_of_the_underlying",
            "starts_with(contract, underlying)",
            of="contract is not null and underlying is not null",
            # Of a share that was split, or paid in others, contracts have a digit after the symbol.
            mostly=0.999,
            why="The name of a contract begins with the symbol of its share.",
        ),
        share(
            "vwap_within_the_range",
            _VWAP_WITHIN_RANGE,
            of="vwap is not null",
            mostly=0.99,
            why="The average price is between the lowest and the highest.",
        ),
        trade_size("trade_count", 1, 500),
        figure("underlyings", "count(distinct underlying)", low=1, why="Shares whose options were traded."),
        ratio_to_day_before("underlyings", 1, 1, "Shares whose options were traded, as a multiple of the day before."),
    ),
    ("options_bars",),
)

STAGED_SNAPSHOTS = daily(
    "stg_broker__options_snapshots",
    (
        SOURCE_ROWS_ARE_A_KEY,
        rows_like_before(Grain.DAY),
        *(not_null(column, 0.999) for column in ("contract", "underlying", "strike", "expiration_date")),
        not_null("snapshot_at_utc"),
        not_null("underlying_price", 0.9, severity="warn"),
        # Contracts far from the money have neither greeks nor volatility.
        not_null("implied_volatility", 0.5),
        not_null("delta", 0.5),
        not_null("open_interest", 0.5, severity="warn"),
        in_set("option_type", _OPTION_TYPES, 0.999),
        between("strike", 0.01, 100_000, 0.999, why="USD a share."),
        between("implied_volatility", 0.001, 10, 0.99, why="A share: in percent it would be above."),
        between("delta", -1.0001, 1.0001, 0.999),
        share(
            "delta_has_the_sign_of_its_type",
            "(delta >= 0) = (option_type = 'call') or delta = 0",
            of="delta is not null and option_type is not null",
            mostly=0.99,
            why="Calls gain with the price of the share, puts lose.",
        ),
        share(
            "crossed_share", "bid > ask", of="bid is not null and ask is not null", at_most=0.05, why="Crossed quotes."
        ),
        share("expired_share", "expiration_date < source_date", at_most=0.02, why="Contracts that expired before."),
        share(
            "quoted_before_the_snapshot",
            "quoted_at_utc <= snapshot_at_utc",
            of="quoted_at_utc is not null",
            mostly=0.999,
            why="Quotes are not of later than the snapshot.",
        ),
        share(
            "snapshot_after_the_day",
            # From the close of a half-day in summer, 17:00 UTC, to the next session after a long weekend.
            "snapshot_at_utc >= source_date + interval 17 hours and snapshot_at_utc < source_date + interval 5 days",
            mostly=1,
            why="Snapshots are taken after the session of the day, and before the next one.",
        ),
        figure("underlyings", "count(distinct underlying)", low=1, why="Shares whose chains were read."),
        ratio_to_day_before("underlyings", 1, 1, "Shares whose chains were read, as a multiple of the day before."),
        figure("volatility_mean", "avg(implied_volatility)", low=0.02, high=5, why="Mean implied volatility, a share."),
        ratio_to_day_before("volatility_mean", 0.5, 2, "Mean implied volatility, as a multiple of the day before."),
        figure("call_share", "avg((option_type = 'call')::integer)", low=0.3, high=0.7, why="Calls among contracts."),
        difference_to_day_before("call_share", 0.1, "Calls among contracts, less those of the day before."),
    ),
    ("options_snapshots",),
)

CANDLES = mart(
    "fct_candles_daily",
    unique_together("symbol_and_day_unique", ("symbol", "source_date")),
    at_least("high_not_below_low", "high", "low"),
    at_least("high_not_below_close", "high", "close"),
    at_least("close_not_below_low", "close", "low"),
    rows_between("low", 0.0001, None),
    rows_between("volume", 0, None),
    no_rows(
        "close_like_the_day_before",
        "select symbol, source_date, close / previous_close as ratio from (select *, lag(close) over"
        " (partition by symbol order by source_date) as previous_close from {batch}) as candles"
        " where close / previous_close not between 0.5 and 2",
        "No share halves or doubles from one day to the next: prices are not adjusted, so a split does.",
        "warn",
    ),
    no_rows(
        "close_like_the_minute_bars",
        "select candles.symbol, candles.source_date, candles.close, bars.close as close_of_bars from {batch} as candles"
        f" inner join {SCHEMA}.fct_ticker_sessions as bars on candles.symbol = bars.ticker"
        " and candles.source_date = bars.source_date and bars.session = 'market'"
        " where candles.close / bars.close not between 0.95 and 1.05",
        "The close is within 5 % of that of the minute bars of the regular session, where they are loaded.",
        "warn",
    ),
)

OPTION_BARS = mart_by_day(
    "fct_options_bars",
    "options_bars",
    ONE_LOAD,
    figure("contract_unique", "count(*) - count(distinct contract)", high=0, why="Contracts that a day has twice."),
    share(
        "prices_within_the_range",
        "low > 0 and open between low and high and close between low and high",
        mostly=1,
        why="First and last price are between the lowest and the highest.",
    ),
)

SNAPSHOTS = mart_by_day(
    "fct_options_snapshots",
    "options_snapshots",
    ONE_LOAD,
    figure("contract_unique", "count(*) - count(distinct contract)", high=0, why="Contracts that a day has twice."),
    in_set("option_type", _OPTION_TYPES),
    between("days_to_expiry", 0, 4000, why="Days; an expired contract is none."),
    share(
        "mid_price_between_the_quotes",
        "mid_price between bid and ask",
        of="mid_price is not null",
        mostly=1,
        why="The mid price is between bid and ask.",
    ),
    share(
        "crossed_has_no_mid_price",
        "mid_price is null",
        of="is_crossed",
        mostly=1,
        why="Nobody knows the price where quotes are crossed.",
    ),
    figure(
        "one_price_of_an_underlying",
        "count(distinct (underlying, underlying_price)) - count(distinct underlying)",
        high=0,
        why="All contracts of a chain have the price of the underlying at the same moment.",
        severity="warn",
    ),
)

FLOW = mart_by_day(
    "options_flow",
    "options_snapshots",
    ONE_LOAD,
    share(
        "change_is_the_difference",
        "open_interest_change is not distinct from open_interest - previous_open_interest"
        " and volume_change is not distinct from volume - previous_volume",
        mostly=1,
        why="Changes are the figures of the day less those of the snapshot before.",
    ),
    share(
        "compared_with_an_earlier_day",
        "previous_source_date < source_date",
        of="previous_source_date is not null",
        mostly=1,
        why="The snapshot before is of an earlier day.",
    ),
    share(
        "new_contracts_have_nothing_before",
        "previous_open_interest is null and previous_volume is null",
        of="is_new_contract",
        mostly=1,
        why="Contracts that the snapshot before had not have no earlier figures.",
    ),
    share("premium_not_negative", "premium >= 0", of="premium is not null", mostly=1, why="USD."),
    share("new_share", "is_new_contract", at_most=0.5, why="Contracts that the snapshot before had not."),
)

DERIVED = mart(
    "derived_metrics",
    unique_together("underlying_and_day_unique", ("underlying", "source_date")),
    rows_between("implied_volatility_rank", 0, 1),
    rows_between("implied_volatility_percentile", 0, 1),
    rows_between("put_call_ratio_volume", 0, None),
    rows_between("put_call_ratio_open_interest", 0, None),
    rows_between("atm_implied_volatility", 0.01, 5, 0.99, why="A share of the price, a year."),
    rows_between("realised_volatility", 0, 3, severity="warn", why="A split of the share makes it large."),
    rows_between("implied_volatility_days", 0, None),
    none_where(
        "volatility_is_high_or_low", "is_volatility_high and is_volatility_low", "No volatility is both high and low."
    ),
    none_where("heavy_on_one_side", "is_put_heavy and is_call_heavy", "Nothing is heavy on both puts and calls."),
    no_rows(
        "every_chain_is_described",
        "select source_date, underlying from core_staging.int_chain_days"
        " where (source_date, underlying) not in (select (source_date, underlying) from {batch})",
        "Each chain has its figures.",
    ),
)

QUARANTINE = Quarantine(
    f"{SCHEMA}.quarantined_broker_rows",
    Grain.DAY,
    shown={"instrument": "instrument", "price": "price", "volume": "volume", "time (UTC)": "observed_at_utc"},
)

SUITES = (
    STAGED_CANDLES,
    STAGED_OPTION_BARS,
    STAGED_SNAPSHOTS,
    CANDLES,
    OPTION_BARS,
    SNAPSHOTS,
    FLOW,
    DERIVED,
    quarantine_suite(QUARANTINE, ("candles_daily", "options_bars", "options_snapshots")),
)
