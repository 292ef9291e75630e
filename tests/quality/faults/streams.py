"""Ways to break the sample of the exchange's messages, and what silver and gold make of them."""

from tests.quality.faults.breaking import OF_THE_DAY, everywhere, nulls, once_more, set_on_the_day

_TRADES = "raw_data.trades"
_BOOKS = "raw_data.orderbook_snapshots"
_PRICES = "raw_data.market_data"
_TRADERS = "raw_data.traders"
_ACCOUNTS = "raw_data.accounts"
_A_DAY_LATER = "interval 1 day"


def _twice(table: str) -> str:
    return f"insert into {table} from {table} where {OF_THE_DAY}"


def _silver(name: str) -> str:
    return f"core_markets.silver_{name}"


def _gold(name: str) -> str:
    return f"core_markets.gold_{name}"


_OF_SILVER = {
    "silver_trades": {
        # The column takes no null.
        "trade_id_not_null": "alter table core_markets.silver_trades alter trade_id drop not null;"
        + set_on_the_day(_silver("trades"), "trade_id = null"),
        "trade_id_unique": set_on_the_day(_silver("trades"), "trade_id = 'one'"),
        "price_above_zero": set_on_the_day(_silver("trades"), "price = -price"),
        "quantity_not_negative": set_on_the_day(_silver("trades"), "quantity = -quantity"),
        "side_known": set_on_the_day(_silver("trades"), "side = 'HOLD'"),
        "what_is_missing_is_flagged": set_on_the_day(_silver("trades"), "notional = 0", "price is null"),
        "missing_share": set_on_the_day(_silver("trades"), "is_missing_price = true"),
    },
    "silver_orderbook_snapshots": {
        "bid_below_ask": set_on_the_day(_silver("orderbook_snapshots"), "bid_price_1 = ask_price_1"),
        "spread_is_the_difference": set_on_the_day(_silver("orderbook_snapshots"), "spread = spread + 0.01"),
        "snapshot_unique": _twice(_silver("orderbook_snapshots")),
    },
    "silver_market_data": {
        "prices_within_the_range": set_on_the_day(_silver("market_data"), "high = low, low = high"),
        "volume_not_negative": set_on_the_day(_silver("market_data"), "volume = -1"),
        "interval_unique": _twice(_silver("market_data")),
    },
    "silver_trader_activity": {
        "trader_and_hour_unique": once_more(_silver("trader_activity")),
        "trade_count_in_range": everywhere(_silver("trader_activity"), "trade_count = 0"),
        "distinct_symbols_in_range": everywhere(_silver("trader_activity"), "distinct_symbols = 0"),
        "total_volume_in_range": everywhere(_silver("trader_activity"), "total_volume = -1"),
    },
}

_OF_STAGED = {
    "stg_exchange__trades": {
        "message_unique": _twice(_TRADES),
        **nulls(
            _TRADES, trade_id="trade_id", symbol="symbol", trader_id="trader_id", price="price", quantity="quantity"
        ),
        "side_known": set_on_the_day(_TRADES, "side = 'B'"),
        "price_above_zero": set_on_the_day(_TRADES, "price = -price"),
        "trade_on_the_day": set_on_the_day(_TRADES, f"trade_timestamp = trade_timestamp + {_A_DAY_LATER}"),
    },
    "stg_exchange__orderbook_snapshots": {
        "message_unique": _twice(_BOOKS),
        **nulls(_BOOKS, symbol="symbol", bid_price_1="bid_price_1", ask_price_1="ask_price_1"),
        "crossed_share": set_on_the_day(_BOOKS, "bid_price_1 = ask_price_1, ask_price_1 = bid_price_1"),
        "snapshot_on_the_day": set_on_the_day(_BOOKS, f"snapshot_timestamp = snapshot_timestamp + {_A_DAY_LATER}"),
    },
    "stg_exchange__market_data": {
        "message_unique": _twice(_PRICES),
        **nulls(_PRICES, symbol="symbol", close="close", volume="volume"),
        "prices_within_the_range": set_on_the_day(_PRICES, "high = low, low = high"),
        "interval_on_the_day": set_on_the_day(_PRICES, f"interval_start = interval_start + {_A_DAY_LATER}"),
    },
    "quarantined_stream_rows": {
        "quarantined_share": f"""
            insert into core_markets.quarantined_stream_rows by name
            select feed, source_date, kafka_offset as source_row, kafka_partition, kafka_offset, load_id,
                'missing_symbol' as reason, trade_timestamp as event_time, event_timestamp
            from core_staging.stg_exchange__trades where {OF_THE_DAY}
        """,
    },
}

_OF_GOLD = {
    "gold_daily_trading_summary": {
        "symbol_and_day_unique": once_more(_gold("daily_trading_summary")),
        **{
            f"{name}_in_range": everywhere(_gold("daily_trading_summary"), f"{name} = 0")
            for name in ("open_price", "low_price", "close_price", "vwap", "avg_spread", "trade_count")
        },
        "high_not_below_low": everywhere(_gold("daily_trading_summary"), "high_price = low_price - 1"),
        "volume_not_below_priced_volume": everywhere(
            _gold("daily_trading_summary"), "priced_volume = total_volume + 1"
        ),
        "prices_within_the_range": everywhere(_gold("daily_trading_summary"), "vwap = high_price + 1"),
    },
    "gold_closing_trades": {
        "trade_id_unique": once_more(_gold("closing_trades")),
        "closed_quantity_in_range": everywhere(_gold("closing_trades"), "closed_quantity = 0"),
        "hold_minutes_in_range": everywhere(_gold("closing_trades"), "hold_minutes = -1"),
        "gain_is_of_the_prices": everywhere(_gold("closing_trades"), "realized_pnl = -realized_pnl"),
    },
    "gold_trader_performance": {
        "trader_and_day_unique": once_more(_gold("trader_performance")),
        "trade_count_in_range": everywhere(_gold("trader_performance"), "trade_count = 0"),
        "win_rate_in_range": everywhere(_gold("trader_performance"), "win_rate = 50"),
        "max_drawdown_in_range": everywhere(_gold("trader_performance"), "max_drawdown = -1"),
        "avg_hold_minutes_in_range": everywhere(_gold("trader_performance"), "avg_hold_minutes = -1"),
        "trades_that_close_within_trades": everywhere(
            _gold("trader_performance"), "winning_trade_count = trade_count + 1"
        ),
        "no_loss_without_drawdown": everywhere(_gold("trader_performance"), "realized_pnl = -max_drawdown - 1"),
        "rate_only_where_something_closed": everywhere(_gold("trader_performance"), "closing_trade_count = 0"),
    },
    "gold_market_overview": {
        "trading_date_unique": once_more(_gold("market_overview")),
        "trade_count_in_range": everywhere(_gold("market_overview"), "trade_count = 0"),
        "market_vwap_in_range": everywhere(_gold("market_overview"), "market_vwap = 0"),
        "symbols_add_up": everywhere(_gold("market_overview"), "trade_count = trade_count + 1"),
        "gainers_and_losers_are_lists": everywhere(_gold("market_overview"), "top_5_gainers = '[1,2,3,4,5,6]'"),
    },
    "gold_portfolio_positions": {
        "position_unique": once_more(_gold("portfolio_positions")),
        "no_position_is_zero": everywhere(_gold("portfolio_positions"), "net_quantity = 0"),
        "avg_entry_price_in_range": everywhere(_gold("portfolio_positions"), "avg_entry_price = 0"),
        "last_price_in_range": everywhere(_gold("portfolio_positions"), "last_price = 0"),
        "entered_before_the_day_ends": everywhere(
            _gold("portfolio_positions"), f"avg_entry_at = avg_entry_at + 9 * {_A_DAY_LATER}"
        ),
        "gain_is_of_the_prices": everywhere(_gold("portfolio_positions"), "unrealized_pnl = unrealized_pnl + 1000000"),
    },
}

_DIM_TRADER, _DIM_ACCOUNT = "core_markets.dim_trader", "core_markets.dim_account"

_OF_REFERENCE = {
    "stg_reference_data__traders": {
        "source_row_unique": f"insert into {_TRADERS} from {_TRADERS}",
        "trader_id_not_null": everywhere(_TRADERS, "trader_id = null"),
        "trader_name_not_null": everywhere(_TRADERS, "name = null"),
        "firm_not_null": everywhere(_TRADERS, "firm = null"),
        "risk_tiers": everywhere(_TRADERS, "risk_tier = null"),
    },
    "stg_reference_data__accounts": {
        "source_row_unique": f"insert into {_ACCOUNTS} from {_ACCOUNTS}",
        "account_id_not_null": everywhere(_ACCOUNTS, "account_id = null"),
        "trader_id_not_null": everywhere(_ACCOUNTS, "trader_id = null"),
        "status_not_null": everywhere(_ACCOUNTS, "status = null"),
        "account_types": everywhere(_ACCOUNTS, "account_type = null"),
    },
    "dim_trader": {
        "trader_version_id_unique": once_more(_DIM_TRADER),
        "valid_to_not_before_valid_from": everywhere(_DIM_TRADER, "valid_to = valid_from - 1"),
        "current_versions_have_no_end": everywhere(_DIM_TRADER, "is_current = not is_current"),
        "versions_do_not_overlap": f"""
            insert into {_DIM_TRADER} by name
            select versions.* replace (valid_from + 1 as valid_from, trader_version_id || ' later' as trader_version_id)
            from {_DIM_TRADER} as versions limit 1
        """,
    },
    "dim_account": {
        "account_id_unique": once_more(_DIM_ACCOUNT),
        "what_was_before_is_another": everywhere(_DIM_ACCOUNT, "previous_status = status"),
        "changed_where_something_was_before": everywhere(_DIM_ACCOUNT, "changed_on = described_on + 1"),
        "trader_is_known": everywhere(_DIM_ACCOUNT, "trader_id = 'nobody'"),
    },
}

FAULTS: dict[str, dict[str, str]] = {**_OF_REFERENCE, **_OF_STAGED, **_OF_SILVER, **_OF_GOLD}
