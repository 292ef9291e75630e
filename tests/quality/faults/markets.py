"""Ways to break the sample of markets: two trading days, of which the second is broken."""

from tests.quality.faults import streams
from tests.quality.faults.breaking import OF_THE_DAY
from tests.quality.faults.breaking import everywhere as _everywhere
from tests.quality.faults.breaking import nulls as _nulls
from tests.quality.faults.breaking import once_more as _once_more
from tests.quality.faults.breaking import set_on_the_day as _set

_MINUTES = "raw_data.minute_aggs"
_CANDLES = "raw_data.candles_daily"
_BARS = "raw_data.options_bars"
_CHAINS = "raw_data.options_snapshots"
_SYMBOLS = "raw_data.symbols"
_EXCHANGES = "raw_data.exchanges"
_HALF_A_DAY_LATE = "interval 30 hours"


def _faults_of_bars(table: str, time: str, later: str) -> dict[str, str]:
    return {
        "source_row_unique": f"insert into {table} from {table} where {OF_THE_DAY}",
        "time_on_the_day": _set(table, f"{time} = {later}"),
        "prices_are_above_zero": _set(table, "low = -low"),
        "prices_within_the_range": _set(table, "high = low, low = high"),
        "volume_is_a_count": _set(table, "volume = 'nan'"),
    }


def _of_another_load(table: str) -> str:
    return f"update {table} set load_id = 'another' where {OF_THE_DAY} and hash(rowid) % 2 = 0"


def _rejected(table: str, staging_model: str, columns: str) -> str:
    """All rows of a file are in quarantine."""
    return f"""
        insert into core_markets.{table} by name
        select feed, source_date, source_row, load_id, 'a_reason' as reason, {columns}
        from core_staging.{staging_model} where {OF_THE_DAY}
    """


_OF_MINUTES = {
    **_faults_of_bars(_MINUTES, "window_start", "window_start + 30 * 3600000000000"),
    **_nulls(
        _MINUTES,
        ticker="ticker",
        minute_utc="window_start",
        open="open",
        high="high",
        low="low",
        close="close",
        volume="volume",
        window_start="window_start",
        transactions="transactions",
    ),
    "row_count_against_day_before": f"delete from {_MINUTES} where {OF_THE_DAY} and source_row > 1000",
    "minute_begins_on_the_minute": _set(_MINUTES, "window_start = window_start + 1000"),
    "trade_size_mean": _set(_MINUTES, "volume = volume * 1000"),
    "tickers": _set(_MINUTES, "ticker = null"),
    "tickers_against_day_before": f"delete from {_MINUTES} where {OF_THE_DAY} and ticker > 'K'",
    "volume_total": _set(_MINUTES, "volume = 0"),
    "volume_total_against_day_before": _set(_MINUTES, "volume = volume / 10"),
    "typical_price": _set(_MINUTES, "close = close * 100"),
    "typical_price_against_day_before": _set(_MINUTES, "close = close * 2"),
    "fractional_share_against_day_before": _set(_MINUTES, "volume = floor(volume)"),
}

_OF_SILVER = {
    "one_load": _of_another_load("core_markets.silver_minute_aggs"),
    "session_known": _set("core_markets.silver_minute_aggs", "session = 'lunch'"),
    "timestamp_on_the_day": _set("core_markets.silver_minute_aggs", '"timestamp" = "timestamp" + interval 1 day'),
    "rolling_window_has_the_bar": _set("core_markets.silver_minute_aggs", "rolling_15m_high = low - 1"),
    "rolling_average_within_the_range": _set("core_markets.silver_minute_aggs", "rolling_15m_avg_close = close * 9"),
    "rolling_volume_is_of_15_bars": _set(
        "core_markets.silver_minute_aggs", "rolling_15m_total_volume = 16 * rolling_15m_avg_volume + 1"
    ),
}

_OF_SESSIONS = {
    "one_load": _of_another_load("core_markets.fct_ticker_sessions"),
    "session_known": _set("core_markets.fct_ticker_sessions", "session = 'lunch'"),
    "prices_within_the_range": _set("core_markets.fct_ticker_sessions", "close = high + 1"),
    "bars_within_the_minutes": _set("core_markets.fct_ticker_sessions", "bar_count = 961"),
    "average_price_within_the_range": _set("core_markets.fct_ticker_sessions", "notional = notional * 2"),
    "market_share": _set("core_markets.fct_ticker_sessions", "session = 'premarket'", "session = 'market'"),
    "closed_share": _set("core_markets.fct_ticker_sessions", "session = 'closed'", "session = 'postmarket'"),
    "market_share_against_day_before": _set(
        "core_markets.fct_ticker_sessions", "bar_count = bar_count * 20", "session = 'premarket'"
    ),
}

_AN_ANOMALY = """
    insert into core_markets.ticker_anomalies by name
    select 'minute_aggs' as feed, date '2026-01-21' as source_date, 'AAPL' as ticker, 'a' as load_id,
        {reason} as reason, 5.0 as volume, 5.0 as median_volume, 1.0 as volume_ratio, 9.0 as close,
        9.0 as previous_close, date {previous} as previous_source_date, {ratio} as close_ratio, {days} as days_before
    from range({count})
"""


def _anomaly(
    reason: str = "'price_jump'", previous: str = "'2026-01-20'", ratio: float = 2, days: int = 12, count: int = 1
) -> str:
    return _AN_ANOMALY.format(reason=reason, previous=previous, ratio=ratio, days=days, count=count)


_OF_ANOMALIES = {
    "ticker_and_day_unique": _anomaly(count=2),
    "reason_known": _anomaly(reason="'boredom'"),
    "days_before_in_range": _anomaly(days=9),
    "compared_with_an_earlier_day": _anomaly(previous="'2026-01-21'"),
    "figures_are_of_the_reason": _anomaly(ratio=1.1),
}

_OF_TICKER_DAYS = {
    "one_load": _of_another_load("core_markets.fct_ticker_days"),
    "prices_within_the_range": _set("core_markets.fct_ticker_days", "close = high + 1", "close is not null"),
    "change_is_of_both_closing_prices": _set("core_markets.fct_ticker_days", "previous_close = null"),
}

_OF_MARKET_DAYS = {
    "day_unique": _once_more("core_markets.fct_market_days"),
    "those_compared_add_up": _everywhere("core_markets.fct_market_days", "advancer_count = advancer_count + 1"),
    "those_compared_within_tickers": _everywhere("core_markets.fct_market_days", "ticker_count = 0"),
}

_OF_CANDLES_FILES = {
    **_faults_of_bars(_CANDLES, '"timestamp"', f'"timestamp" + {_HALF_A_DAY_LATE}'),
    **_nulls(
        _CANDLES,
        symbol="symbol",
        began_at_utc='"timestamp"',
        open="open",
        high="high",
        low="low",
        close="close",
        volume="volume",
    ),
    "row_count_against_day_before": (
        f"insert into {_CANDLES} by name select candles.* replace (source_row + n as source_row)"
        f" from {_CANDLES} as candles cross join range(1, 600) as numbers (n) where {OF_THE_DAY}"
    ),
    "vwap_within_the_range": _set(_CANDLES, "vwap = vwap * 2"),
    "trade_size_mean": _set(_CANDLES, "volume = volume * 1000"),
}

_OF_OPTION_BAR_FILES = {
    **_faults_of_bars(_BARS, '"timestamp"', f'"timestamp" + {_HALF_A_DAY_LATE}'),
    **_nulls(
        _BARS,
        contract="contract",
        began_at_utc='"timestamp"',
        open="open",
        high="high",
        low="low",
        close="close",
        volume="volume",
        underlying="underlying",
    ),
    "row_count_against_day_before": f"delete from {_BARS} where {OF_THE_DAY} and source_row > 100",
    "contract_is_of_the_underlying": _set(_BARS, "underlying = 'ZZZ'"),
    "vwap_within_the_range": _set(_BARS, "vwap = vwap * 2"),
    "trade_size_mean": _set(_BARS, "volume = volume * 1000"),
    "underlyings": _set(_BARS, "underlying = null"),
    "underlyings_against_day_before": f"delete from {_BARS} where {OF_THE_DAY} and underlying = 'AAPL'",
}

_OF_SNAPSHOT_FILES = {
    "source_row_unique": f"insert into {_CHAINS} from {_CHAINS} where {OF_THE_DAY}",
    "row_count_against_day_before": f"delete from {_CHAINS} where {OF_THE_DAY} and source_row > 100",
    **_nulls(
        _CHAINS,
        contract="contract",
        underlying="underlying",
        strike="strike",
        expiration_date="expiration_date",
        snapshot_at_utc="snapshot_at",
        underlying_price="underlying_price",
        implied_volatility="implied_volatility",
        delta="delta",
        open_interest="open_interest",
    ),
    "option_type_known": _set(_CHAINS, "option_type = 'C'"),
    "strike_in_range": _set(_CHAINS, "strike = -strike"),
    "implied_volatility_in_range": _set(_CHAINS, "implied_volatility = implied_volatility * 100"),
    "delta_in_range": _set(_CHAINS, "delta = delta * 100"),
    "delta_has_the_sign_of_its_type": _set(_CHAINS, "delta = -delta"),
    "crossed_share": _set(_CHAINS, "bid = ask + 1"),
    "expired_share": _set(_CHAINS, "expiration_date = date '2026-01-09'"),
    "quoted_before_the_snapshot": _set(_CHAINS, "quoted_at = snapshot_at + interval 1 hour"),
    "snapshot_after_the_day": _set(_CHAINS, "snapshot_at = snapshot_at - interval 1 day"),
    "underlyings": _set(_CHAINS, "underlying = null"),
    "underlyings_against_day_before": f"delete from {_CHAINS} where {OF_THE_DAY} and underlying = 'AAPL'",
    "volatility_mean": _set(_CHAINS, "implied_volatility = implied_volatility / 100"),
    "volatility_mean_against_day_before": _set(_CHAINS, "implied_volatility = implied_volatility * 3"),
    "call_share": _set(_CHAINS, "option_type = 'call'"),
    "call_share_against_day_before": (
        f"delete from {_CHAINS} where {OF_THE_DAY} and option_type = 'put' and source_row % 2 = 0"
    ),
}

_OF_CANDLES = {
    "symbol_and_day_unique": _once_more("core_markets.fct_candles_daily"),
    "high_not_below_low": _set("core_markets.fct_candles_daily", "high = low - 1"),
    "high_not_below_close": _set("core_markets.fct_candles_daily", "high = close - 1"),
    "close_not_below_low": _set("core_markets.fct_candles_daily", "low = close + 1"),
    "low_in_range": _set("core_markets.fct_candles_daily", "low = 0"),
    "volume_in_range": _set("core_markets.fct_candles_daily", "volume = -1"),
    "close_like_the_day_before": _set("core_markets.fct_candles_daily", "close = close / 4"),
    "close_like_the_minute_bars": _set("core_markets.fct_candles_daily", "close = close * 1.1"),
}

_OF_OPTION_BARS = {
    "one_load": _of_another_load("core_markets.fct_options_bars"),
    "contract_unique": (
        "insert into core_markets.fct_options_bars"
        f" from (from core_markets.fct_options_bars where {OF_THE_DAY} limit 1)"
    ),
    "prices_within_the_range": _set("core_markets.fct_options_bars", "close = high + 1"),
}

_OF_SNAPSHOTS = {
    "one_load": _of_another_load("core_markets.fct_options_snapshots"),
    "contract_unique": (
        "insert into core_markets.fct_options_snapshots"
        f" from (from core_markets.fct_options_snapshots where {OF_THE_DAY} limit 1)"
    ),
    "option_type_known": _set("core_markets.fct_options_snapshots", "option_type = 'C'"),
    "days_to_expiry_in_range": _set("core_markets.fct_options_snapshots", "days_to_expiry = -1"),
    "mid_price_between_the_quotes": _set("core_markets.fct_options_snapshots", "mid_price = ask + 1"),
    "crossed_has_no_mid_price": _set(
        "core_markets.fct_options_snapshots", "is_crossed = true", "mid_price is not null"
    ),
    "one_price_of_an_underlying": _set(
        "core_markets.fct_options_snapshots", "underlying_price = underlying_price + 1", "option_type = 'put'"
    ),
}

_OF_FLOW = {
    "one_load": _of_another_load("core_markets.options_flow"),
    "change_is_the_difference": _set("core_markets.options_flow", "open_interest_change = 0.5"),
    "compared_with_an_earlier_day": _set("core_markets.options_flow", "previous_source_date = source_date"),
    "new_contracts_have_nothing_before": _set(
        "core_markets.options_flow", "is_new_contract = true", "previous_volume is not null"
    ),
    "premium_not_negative": _set("core_markets.options_flow", "premium = -1"),
    "new_share": _set("core_markets.options_flow", "is_new_contract = true"),
}

_OF_DERIVED = {
    "underlying_and_day_unique": _once_more("core_markets.derived_metrics"),
    "implied_volatility_rank_in_range": _everywhere("core_markets.derived_metrics", "implied_volatility_rank = 1.5"),
    "implied_volatility_percentile_in_range": _everywhere(
        "core_markets.derived_metrics", "implied_volatility_percentile = 50"
    ),
    "put_call_ratio_volume_in_range": _everywhere("core_markets.derived_metrics", "put_call_ratio_volume = -1"),
    "put_call_ratio_open_interest_in_range": _everywhere(
        "core_markets.derived_metrics", "put_call_ratio_open_interest = -1"
    ),
    "atm_implied_volatility_in_range": _everywhere("core_markets.derived_metrics", "atm_implied_volatility = 25"),
    "realised_volatility_in_range": _everywhere("core_markets.derived_metrics", "realised_volatility = 25"),
    "implied_volatility_days_in_range": _everywhere("core_markets.derived_metrics", "implied_volatility_days = -1"),
    "volatility_is_high_or_low": _everywhere(
        "core_markets.derived_metrics", "is_volatility_high = true, is_volatility_low = true"
    ),
    "heavy_on_one_side": _everywhere("core_markets.derived_metrics", "is_put_heavy = true, is_call_heavy = true"),
    "every_chain_is_described": "delete from core_markets.derived_metrics where underlying = 'SPY'",
}

# The last file of symbols is of 17 January, that of exchanges of the 20th.
_OF_SYMBOL_FILES = {
    "source_row_unique": f"insert into {_SYMBOLS} from {_SYMBOLS}",
    "symbol_not_null": _everywhere(_SYMBOLS, "symbol = null"),
    "company_name_not_null": _everywhere(_SYMBOLS, "company_name = ' '"),
    "exchange_code_not_null": _everywhere(_SYMBOLS, "exchange_code = null"),
    "sector_not_null": _everywhere(_SYMBOLS, "sector = null"),
    "market_cap_bucket_not_null": _everywhere(_SYMBOLS, "market_cap_bucket = null"),
    "symbols": _everywhere(_SYMBOLS, "symbol = null"),
    "sectors": (
        f"insert into {_SYMBOLS} by name"
        " select symbols.* replace ('Sector ' || n as sector, source_row + n as source_row)"
        f" from {_SYMBOLS} as symbols cross join range(1000, 1200) as numbers (n)"
    ),
    "symbol_is_short": _everywhere(_SYMBOLS, "symbol = repeat(symbol, 13)"),
}

_OF_EXCHANGE_FILES = {
    "source_row_unique": f"insert into {_EXCHANGES} from {_EXCHANGES}",
    "exchange_code_not_null": _everywhere(_EXCHANGES, "exchange_code = null", "source_row = 0"),
    "exchange_name_not_null": _everywhere(_EXCHANGES, "name = null", "source_row = 0"),
    "hours_are_times": _everywhere(_EXCHANGES, "opens_at = '9.30 am'", "source_row = 0"),
    "timezone_is_a_name": _everywhere(_EXCHANGES, "timezone = 'EST5EDT'", "source_row = 0"),
}

_DIM_SYMBOL = "core_markets.dim_symbol"
_A_LATER_VERSION = f"""
    insert into {_DIM_SYMBOL} by name
    select versions.* replace (version_number + {{number}} as version_number, valid_from + 1 as valid_from,
        symbol_version_id || ' later' as symbol_version_id)
    from {_DIM_SYMBOL} as versions where symbol = 'AAPL'
"""

_OF_DIM_SYMBOL = {
    "symbol_version_id_unique": _once_more(_DIM_SYMBOL),
    "valid_to_not_before_valid_from": _everywhere(_DIM_SYMBOL, "valid_to = valid_from - 1"),
    "current_versions_have_no_end": _everywhere(_DIM_SYMBOL, "is_current = not is_current"),
    "versions_do_not_overlap": _A_LATER_VERSION.format(number=1),
    "versions_are_numbered": _A_LATER_VERSION.format(number=2),
    "few_symbols_end_at_once": _everywhere(_DIM_SYMBOL, "valid_to = date '2026-01-17'", "symbol > 'C'"),
    "exchange_is_known": _everywhere(_DIM_SYMBOL, "exchange_code = 'XLON'"),
}

_OF_DIM_EXCHANGE = {
    "exchange_code_unique": _once_more("core_markets.dim_exchange"),
    "exchange_name_not_null": _everywhere("core_markets.dim_exchange", "exchange_name = null"),
    "the_last_file_lists_some": _everywhere("core_markets.dim_exchange", "is_listed = false"),
}

_DAYS = "core_markets.dim_trading_day"
_OF_TRADING_DAYS = {
    "row_count": f"delete from {_DAYS} where fiscal_year > 2010",
    "trading_date_unique": _once_more(_DAYS),
    "day_of_week_in_range": _everywhere(_DAYS, "day_of_week = 6", "trading_date = '2026-01-21'"),
    "utc_offset_minutes_known": _everywhere(_DAYS, "utc_offset_minutes = 0", "trading_date = '2026-01-21'"),
    "session_hours_in_range": _everywhere(_DAYS, "session_hours = 24", "trading_date = '2026-01-21'"),
    "half_days_are_short": _everywhere(_DAYS, "is_half_day = true", "trading_date = '2026-01-21'"),
    "days_are_in_order": _everywhere(_DAYS, "next_trading_date = trading_date", "trading_date = '2026-01-21'"),
    "years_have_their_days": f"delete from {_DAYS} where trading_date between '2026-01-01' and '2026-01-31'",
    "pauses_are_short": _everywhere(_DAYS, "next_trading_date = trading_date + 8", "trading_date = '2026-01-21'"),
}

FAULTS: dict[str, dict[str, str]] = {
    **streams.FAULTS,
    "stg_reference_data__symbols": _OF_SYMBOL_FILES,
    "stg_reference_data__exchanges": _OF_EXCHANGE_FILES,
    "dim_symbol": _OF_DIM_SYMBOL,
    "dim_exchange": _OF_DIM_EXCHANGE,
    "dim_trading_day": _OF_TRADING_DAYS,
    "quarantined_reference_rows": {
        "quarantined_share": """
            insert into core_markets.quarantined_reference_rows by name
            select feed, source_date, source_row, load_id, 'a_reason' as reason
            from core_staging.stg_reference_data__symbols
        """,
    },
    "stg_flat_files__minute_aggs": _OF_MINUTES,
    "silver_minute_aggs": _OF_SILVER,
    "fct_ticker_sessions": _OF_SESSIONS,
    "fct_ticker_days": _OF_TICKER_DAYS,
    "fct_market_days": _OF_MARKET_DAYS,
    "ticker_anomalies": _OF_ANOMALIES,
    "quarantined_minute_aggs": {
        "quarantined_share": _rejected("quarantined_minute_aggs", "stg_flat_files__minute_aggs", "ticker, minute_utc"),
        "explained_rows": _rejected(
            "quarantined_minute_aggs", "stg_flat_files__minute_aggs", "ticker, minute_utc"
        ).replace("a_reason", "not_a_trading_day"),
    },
    "stg_broker__candles_daily": _OF_CANDLES_FILES,
    "stg_broker__options_bars": _OF_OPTION_BAR_FILES,
    "stg_broker__options_snapshots": _OF_SNAPSHOT_FILES,
    "fct_candles_daily": _OF_CANDLES,
    "fct_options_bars": _OF_OPTION_BARS,
    "fct_options_snapshots": _OF_SNAPSHOTS,
    "options_flow": _OF_FLOW,
    "derived_metrics": _OF_DERIVED,
    "quarantined_broker_rows": {
        "quarantined_share": _rejected("quarantined_broker_rows", "stg_broker__options_bars", "contract as instrument"),
    },
}
