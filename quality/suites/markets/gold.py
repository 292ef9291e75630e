"""What gold says of symbols, traders, positions and the market as a whole, day by day."""

from quality.rows import at_least, between, no_rows, none_where, unique, unique_together
from quality.suites.markets.daily import SCHEMA, mart

# Least amount that is no zero, USD and shares.
_ABOVE_ZERO = 1e-6
# Sums of doubles may be off in their last digits.
_EPSILON = 1e-6

SUMMARY = mart(
    "gold_daily_trading_summary",
    unique_together("symbol_and_day_unique", ("symbol", "trading_date")),
    *(between(name, _ABOVE_ZERO, None) for name in ("open_price", "low_price", "close_price", "vwap", "avg_spread")),
    between("trade_count", 1, None),
    at_least("high_not_below_low", "high_price", "low_price"),
    at_least("volume_not_below_priced_volume", "total_volume", "priced_volume"),
    none_where(
        "prices_within_the_range",
        "open_price not between low_price and high_price or close_price not between low_price and high_price"
        f" or vwap not between low_price - {_EPSILON} and high_price + {_EPSILON}",
        "First, last and average price are between the lowest and the highest.",
    ),
)

CLOSING_TRADES = mart(
    "gold_closing_trades",
    unique("trade_id"),
    between("closed_quantity", _ABOVE_ZERO, None),
    between("hold_minutes", 0, None),
    none_where(
        "gain_is_of_the_prices",
        "abs(realized_pnl - (case when is_long then 1 else -1 end) * (exit_price - entry_price) * closed_quantity)"
        f" > {_EPSILON}",
        "A long position gains where it is sold for more than it was bought for, a short one the other way round.",
    ),
)

TRADERS = mart(
    "gold_trader_performance",
    unique_together("trader_and_day_unique", ("trader_id", "trading_date")),
    between("trade_count", 1, None),
    between("win_rate", 0, 1),
    between("max_drawdown", 0, None),
    between("avg_hold_minutes", 0, None),
    none_where(
        "trades_that_close_within_trades",
        "not winning_trade_count <= closing_trade_count or not closing_trade_count <= trade_count",
        "Trades that win close something, and those that close are trades.",
    ),
    none_where(
        "no_loss_without_drawdown",
        f"realized_pnl < -max_drawdown - {_EPSILON}",
        "What is lost on a day is a fall of the sum, which begins at 0.",
    ),
    none_where(
        "rate_only_where_something_closed",
        "(win_rate is null) <> (closing_trade_count = 0) or (avg_hold_minutes is null) <> (closing_trade_count = 0)",
        "Where nothing is closed, there is no rate.",
    ),
)

OVERVIEW = mart(
    "gold_market_overview",
    unique("trading_date"),
    between("trade_count", 1, None),
    between("market_vwap", _ABOVE_ZERO, None),
    no_rows(
        "symbols_add_up",
        "select trading_date, overview.trade_count from {batch} as overview left join (select trading_date,"
        " sum(trade_count) as trades, count(price_change) as compared"
        f" from {SCHEMA}.gold_daily_trading_summary group by trading_date) as symbols using (trading_date)"
        " where overview.trade_count is distinct from symbols.trades"
        " or advancing_symbols + declining_symbols + unchanged_symbols is distinct from symbols.compared",
        "Trades and symbols of the day are those of the daily summary.",
    ),
    none_where(
        "gainers_and_losers_are_lists",
        "coalesce(json_array_length(top_5_gainers), 9) > 5 or coalesce(json_array_length(top_5_losers), 9) > 5",
        "Gainers and losers are JSON lists of five or fewer.",
    ),
)

POSITIONS = mart(
    "gold_portfolio_positions",
    unique_together("position_unique", ("trader_id", "symbol", "trading_date")),
    none_where("no_position_is_zero", f"abs(net_quantity) < {_ABOVE_ZERO}", "Positions that are 0 are left out."),
    between("avg_entry_price", _ABOVE_ZERO, None),
    between("last_price", _ABOVE_ZERO, None),
    none_where(
        "entered_before_the_day_ends",
        "avg_entry_at >= trading_date + interval 29 hours",
        "What is held at the end of a day was entered before.",
    ),
    none_where(
        "gain_is_of_the_prices",
        f"abs(unrealized_pnl - (position_value - net_quantity * avg_entry_price)) > {_EPSILON} * abs(position_value)",
        "The gain is the value less what was paid.",
    ),
)

SUITES = (SUMMARY, CLOSING_TRADES, TRADERS, OVERVIEW, POSITIONS)
