"""The exchange's messages by event day, and what silver makes of them."""

from quality.files import MESSAGES_ARE_A_KEY, figure, in_set, not_null, share
from quality.rejected import quarantine_suite
from quality.rows import between as rows_between
from quality.rows import unique_together
from quality.subject import Explanation, Quarantine
from quality.suite import Expectation
from quality.suites.markets.daily import SCHEMA, daily, mart, mart_by_day
from warehouse.periods import Grain

_TRADES, _ORDER_BOOK, _MARKET_DATA = "trades", "orderbook", "marketdata"
_SIDES = ("BUY", "SELL")
_PRICES_WITHIN_RANGE = "high >= low and open between low and high and close between low and high"


def _on_the_day(name: str, time: str) -> Expectation:
    # A day of New York begins at 4:00 or 5:00 UTC.
    return share(
        name,
        f"{time} >= source_date + interval 4 hours and {time} < source_date + interval 29 hours",
        mostly=1,
        why="Messages are kept with the day on which their event happened, in New York.",
    )


# Messages that break these rules one by one are quarantined. A day on which many do is not what it should be.
STAGED_TRADES = daily(
    "stg_exchange__trades",
    (
        MESSAGES_ARE_A_KEY,
        not_null("trade_id", 0.99),
        not_null("symbol", 0.99),
        not_null("trader_id", 0.9, severity="warn"),
        not_null("price", 0.9),
        not_null("quantity", 0.9),
        in_set("side", _SIDES, 0.99),
        share("price_above_zero", "price > 0", of="price is not null", mostly=0.99, why="Prices are above zero."),
        _on_the_day("trade_on_the_day", "trade_timestamp"),
    ),
    (_TRADES,),
)

STAGED_ORDER_BOOKS = daily(
    "stg_exchange__orderbook_snapshots",
    (
        MESSAGES_ARE_A_KEY,
        not_null("symbol", 0.99),
        not_null("bid_price_1", 0.9),
        not_null("ask_price_1", 0.9),
        share("crossed_share", "bid_price_1 >= ask_price_1", at_most=0.05, why="Crossed order books."),
        _on_the_day("snapshot_on_the_day", "snapshot_timestamp"),
    ),
    (_ORDER_BOOK,),
)

STAGED_MARKET_DATA = daily(
    "stg_exchange__market_data",
    (
        MESSAGES_ARE_A_KEY,
        not_null("symbol", 0.99),
        not_null("close", 0.99),
        not_null("volume", 0.9),
        share(
            "prices_within_the_range",
            _PRICES_WITHIN_RANGE,
            of="close is not null",
            mostly=0.99,
            why="First and last price are between the lowest and the highest.",
        ),
        _on_the_day("interval_on_the_day", "interval_start"),
    ),
    (_MARKET_DATA,),
)

TRADES = mart_by_day(
    "silver_trades",
    _TRADES,
    not_null("trade_id"),
    figure("trade_id_unique", "count(*) - count(distinct trade_id)", high=0, why="Trades that a day has twice."),
    share("price_above_zero", "price > 0", of="price is not null", mostly=1, why="Prices are above zero."),
    share("quantity_not_negative", "quantity >= 0", of="quantity is not null", mostly=1, why="Shares are counted."),
    in_set("side", _SIDES),
    share(
        "what_is_missing_is_flagged",
        "is_missing_price = (price is null) and is_missing_quantity = (quantity is null)"
        " and (notional is null) = (price is null or quantity is null)",
        mostly=1,
        why="A missing price or quantity is flagged, and gives no value.",
    ),
    figure(
        "missing_share",
        "avg((is_missing_price or is_missing_quantity)::integer)",
        high=0.1,
        why="Trades without a price or quantity.",
        severity="warn",
    ),
)

ORDER_BOOKS = mart_by_day(
    "silver_orderbook_snapshots",
    _ORDER_BOOK,
    share("bid_below_ask", "bid_price_1 < ask_price_1", mostly=1, why="Crossed order books are in quarantine."),
    share(
        "spread_is_the_difference",
        "abs(spread - (ask_price_1 - bid_price_1)) < 0.0001 and mid_price between bid_price_1 and ask_price_1",
        mostly=1,
        why="The spread is from the best price to buy to the best price to sell, and the mid price between them.",
    ),
    figure(
        "snapshot_unique",
        "count(*) - count(distinct (symbol, exchange, snapshot_timestamp))",
        high=0,
        why="Snapshots that a day has twice.",
    ),
)

MARKET_DATA = mart_by_day(
    "silver_market_data",
    _MARKET_DATA,
    share("prices_within_the_range", f"low > 0 and {_PRICES_WITHIN_RANGE}", mostly=1, why="high is not below low."),
    share("volume_not_negative", "volume >= 0", of="volume is not null", mostly=1, why="Shares are counted."),
    figure(
        "interval_unique",
        "count(*) - count(distinct (symbol, interval_start))",
        high=0,
        why="Intervals that a day has twice.",
    ),
)

ACTIVITY = mart(
    "silver_trader_activity",
    unique_together("trader_and_hour_unique", ("trader_id", "activity_hour")),
    rows_between("trade_count", 1, None),
    rows_between("distinct_symbols", 1, None),
    rows_between("total_volume", 0, None),
)

# That a trade is corrected or sent again is no fault.
QUARANTINE = Quarantine(
    f"{SCHEMA}.quarantined_stream_rows",
    Grain.DAY,
    shown={"of": "identifier", "event (UTC)": "event_time"},
    tolerance=0.05,
    explanations=tuple(
        Explanation(feed, "superseded", "a later message corrects or repeats them")
        for feed in (_TRADES, _ORDER_BOOK, _MARKET_DATA)
    ),
)

SUITES = (
    STAGED_TRADES,
    STAGED_ORDER_BOOKS,
    STAGED_MARKET_DATA,
    TRADES,
    ORDER_BOOKS,
    MARKET_DATA,
    ACTIVITY,
    quarantine_suite(QUARANTINE, (_TRADES, _ORDER_BOOK, _MARKET_DATA), warns_of_explained=False),
)
