"""Every metric of markets once more, in plain SQL, on what was published.

The views take nothing from the models: they read raw data, and leave out what cannot be a bar or a contract, find the
session by the clock, and what the last file of the day said of a symbol.
"""

VIEWS = """
    create temp view as_of as
    select days.source_date as day, symbols.*, exchanges.name as exchange_name
    from (
        select source_date from raw_data.minute_aggs union select source_date from raw_data.options_snapshots
    ) as days
    inner join raw_data.symbols as symbols
        on symbols.source_date
        = (select max(files.source_date) from raw_data.symbols as files where files.source_date <= days.source_date)
    left join raw_data.exchanges as exchanges using (exchange_code);

    create temp view bars as
    select
        source_date as day, ticker, volume, high, low, close, transactions,
        sector, company_name, market_cap_bucket, exchange_code, exchange_name,
        source_date in ('2025-07-03', '2025-11-28') as is_half_day,
        dayname(source_date) as day_name,
        (make_timestamp(window_start // 1000) at time zone 'UTC' at time zone 'America/New_York')::time as clock,
        case
            when clock < '04:00' then 'closed'
            when clock < '09:30' then 'premarket'
            when clock < if(is_half_day, time '13:00', time '16:00') then 'market'
            when clock < '20:00' then 'postmarket'
            else 'closed'
        end as session
    from (from raw_data.minute_aggs where low > 0) as minutes
    left join (select * exclude (source_date, source_row, feed, _dlt_load_id) from as_of) as symbols
        on minutes.ticker = symbols.symbol and minutes.source_date = symbols.day;

    create temp view closings as
    with closes as (
        select
            ticker, day, sector, company_name, exchange_code, is_half_day, day_name,
            arg_max(close, clock) filter (session = 'market') as close
        from bars
        group by all
    )
    select later.*, later.close - earlier.close as step
    from closes as later
    -- No holiday or weekend is between days that follow each other here.
    left join closes as earlier on later.ticker = earlier.ticker and earlier.day = later.day - 1;

    create temp view contracts as
    select chains.* exclude (feed), chains.source_date as day, symbols.sector, symbols.exchange_code
    from raw_data.options_snapshots as chains
    left join as_of as symbols on chains.underlying = symbols.symbol and chains.source_date = symbols.day
    where expiration_date >= chains.source_date and coalesce(volume, 0) >= 0;

    create temp view near as
    select * from contracts
    where implied_volatility > 0
    qualify dense_rank() over (partition by underlying, day order by abs(expiration_date - day - 30)) = 1;

    create temp view volatilities as
    select underlying, day, sector, exchange_code, at_the_money, realised
    from (
        select underlying, day, any_value(sector) as sector, any_value(exchange_code) as exchange_code
        from contracts group by all
    )
    left join (
        select underlying, day, avg(implied_volatility) as at_the_money
        from (
            select * from near
            qualify abs(strike - underlying_price)
                = min(abs(strike - underlying_price)) over (partition by underlying, day)
        )
        group by all
    ) using (underlying, day)
    left join (
        select
            later.symbol as underlying, later.source_date as day,
            if(count(*) = 20, sqrt(252 * var_samp(earlier.step)), null) as realised
        from (select symbol, source_date from raw_data.candles_daily) as later
        inner join (
            select
                symbol, source_date,
                ln(close) - ln(lag(close) over (partition by symbol order by source_date)) as step
            from raw_data.candles_daily
        ) as earlier on later.symbol = earlier.symbol and earlier.source_date <= later.source_date
        where earlier.step is not null
        and (
            select count(*) from raw_data.candles_daily as between_them
            where between_them.symbol = later.symbol
            and between_them.source_date > earlier.source_date and between_them.source_date <= later.source_date
        ) < 20
        group by all
    ) using (underlying, day);
"""

# On what the exchange's messages say. Of those about a trade, the last that is one is right.
VIEWS_OF_MESSAGES = """
    create temp view described as
    select days.day, symbols.symbol as ticker, symbols.sector, symbols.exchange_code
    from (select distinct day from (select source_date as day from raw_data.trades union select day from holdings))
        as days
    inner join raw_data.symbols as symbols
        on symbols.source_date
        = (select max(files.source_date) from raw_data.symbols as files where files.source_date <= days.day);

    create temp view employed as
    select days.day, traders.trader_id, traders.firm, traders.desk
    from (select distinct day from described) as days
    inner join raw_data.traders as traders
        on traders.source_date
        = (select max(files.source_date) from raw_data.traders as files where files.source_date <= days.day);

    create temp view deals as
    select
        trades.source_date as day, upper(trim(trades.symbol)) as ticker, price, quantity, trades.trader_id, sector,
        exchange_code, firm, desk
    from (
        from raw_data.trades where side in ('BUY', 'SELL')
        qualify row_number() over (partition by trade_id order by event_timestamp desc) = 1
    ) as trades
    left join described on trades.source_date = described.day and upper(trim(trades.symbol)) = described.ticker
    left join employed on trades.source_date = employed.day and trades.trader_id = employed.trader_id;

    create temp view deals_of_traders as from deals where trader_id is not null;

    create temp view symbol_days as
    select traded.*, spread, step
    from (select distinct day, ticker, sector, exchange_code from deals) as traded
    left join (
        select source_date as day, symbol as ticker, avg(ask_price_1 - bid_price_1) as spread
        from raw_data.orderbook_snapshots where ask_price_1 > bid_price_1 group by all
    ) using (day, ticker)
    left join (
        select
            source_date as day, symbol as ticker,
            arg_max(close, interval_start) - arg_min(open, interval_start) as step
        from raw_data.market_data where low <= least(open, close) and close > 0 group by all
    ) using (day, ticker);

    create temp view closed as
    from gains left join described using (day, ticker) left join employed using (day, trader_id);

    create temp view held as
    from holdings left join described using (day, ticker) left join employed using (day, trader_id);
"""

OF_BARS = {
    "market_volume": "sum(volume)",
    "market_notional": "sum(volume * (high + low + close) / 3)",
    "market_trade_count": "sum(transactions)",
    "market_vwap": "sum(volume * (high + low + close) / 3) / nullif(sum(volume), 0)",
    "minute_bar_count": "count(*)",
    "minute_range_total": "sum(high - low)",
    "avg_minute_range": "avg(high - low)",
    "traded_tickers": "count(distinct ticker)",
}

OF_CLOSINGS = {
    "compared_tickers": "nullif(count(step), 0)",
    "advancing_tickers": "if(count(step) = 0, null, count(*) filter (step > 0))",
    "declining_tickers": "if(count(step) = 0, null, count(*) filter (step < 0))",
    "unchanged_tickers": "if(count(step) = 0, null, count(*) filter (step = 0))",
    "advancing_pct": "100 * count(*) filter (step > 0) / nullif(count(step), 0)",
}

OF_CONTRACTS = {
    "calls_traded": "sum(coalesce(volume, 0)) filter (option_type = 'call')",
    "puts_traded": "sum(coalesce(volume, 0)) filter (option_type = 'put')",
    "open_call_days": "sum(coalesce(open_interest, 0)) filter (option_type = 'call')",
    "open_put_days": "sum(coalesce(open_interest, 0)) filter (option_type = 'put')",
    "put_call_ratio": """
        sum(coalesce(volume, 0)) filter (option_type = 'put')
        / nullif(sum(coalesce(volume, 0)) filter (option_type = 'call'), 0)""",
    "put_call_ratio_open_interest": """
        sum(coalesce(open_interest, 0)) filter (option_type = 'put')
        / nullif(sum(coalesce(open_interest, 0)) filter (option_type = 'call'), 0)""",
}

OF_CHAINS = {
    "avg_atm_implied_volatility": "100 * avg(at_the_money)",
    "avg_realised_volatility": "100 * avg(realised)",
}

OF_DEALS = {
    "trade_volume": "sum(quantity)",
    "trade_priced_volume": "sum(quantity) filter (price is not null)",
    "trade_notional": "sum(price * quantity)",
    "trade_count": "count(*)",
    "trade_vwap": "sum(price * quantity) / nullif(sum(quantity) filter (price is not null), 0)",
}

OF_SYMBOL_DAYS = {
    "avg_spread": "avg(spread)",
    "advancing_symbols": "if(count(step) = 0, null, count(*) filter (step > 0))",
    "declining_symbols": "if(count(step) = 0, null, count(*) filter (step < 0))",
}

OF_DEALS_OF_TRADERS = {
    "trader_volume": "sum(quantity)",
    "trader_notional": "sum(price * quantity)",
    "trader_trade_count": "count(*)",
}

OF_CLOSED = {
    "realized_pnl": "sum(gain)",
    "closing_trades": "count(*)",
    "winning_trades": "count(*) filter (gain > 0)",
    "win_rate": "avg((gain > 0)::integer)",
}


def _at_the_last_day(figure: str) -> str:
    """The sum over the rows of the last day alone: what is held is not added up over days."""
    rows = f"list_filter(list({{'day': day, 'figure': {figure}}}), lambda one: one.day = max(day))"
    return f"list_sum(list_transform({rows}, lambda one: one.figure))"


OF_HELD = {
    "open_positions": _at_the_last_day("1"),
    "position_value": _at_the_last_day("value"),
    "unrealized_pnl": _at_the_last_day("gain"),
}

# The metrics by the view that they are of.
DEFINITIONS = {
    **{metric: ("deals", sql) for metric, sql in OF_DEALS.items()},
    **{metric: ("symbol_days", sql) for metric, sql in OF_SYMBOL_DAYS.items()},
    **{metric: ("deals_of_traders", sql) for metric, sql in OF_DEALS_OF_TRADERS.items()},
    **{metric: ("closed", sql) for metric, sql in OF_CLOSED.items()},
    **{metric: ("held", sql) for metric, sql in OF_HELD.items()},
    **{metric: ("bars", sql) for metric, sql in OF_BARS.items()},
    **{metric: ("closings", sql) for metric, sql in OF_CLOSINGS.items()},
    **{metric: ("contracts", sql) for metric, sql in OF_CONTRACTS.items()},
    **{metric: ("volatilities", sql) for metric, sql in OF_CHAINS.items()},
}

# What they can be grouped by, and what it is in the view.
DIMENSIONS = {
    "deals": {
        "metric_time__day": "day",
        "traded_symbol__ticker": "ticker",
        "symbol__sector": "sector",
        "symbol__exchange_code": "exchange_code",
        "trading_day__day_name": "dayname(day)",
    },
    "symbol_days": {
        "metric_time__day": "day",
        "traded_symbol__ticker": "ticker",
        "symbol__sector": "sector",
        "symbol__exchange_code": "exchange_code",
    },
    "deals_of_traders": {
        "metric_time__day": "day",
        "trader_day__trader_code": "trader_id",
        "trader__firm": "firm",
        "trader__desk": "desk",
    },
    "closed": {
        "metric_time__day": "day",
        "closing_trade__ticker": "ticker",
        "closing_trade__trader_code": "trader_id",
        "closing_trade__is_long": "is_long",
        "symbol__sector": "sector",
        "symbol__exchange_code": "exchange_code",
        "trader__firm": "firm",
        "trader__desk": "desk",
    },
    "held": {
        "metric_time__day": "day",
        "position__ticker": "ticker",
        "position__trader_code": "trader_id",
        "symbol__sector": "sector",
        "symbol__exchange_code": "exchange_code",
        "trader__firm": "firm",
    },
    "bars": {
        "metric_time__day": "day",
        "metric_time__month": "date_trunc('month', day)",
        "ticker_session__ticker": "ticker",
        "ticker_session__session": "session",
        "symbol__sector": "sector",
        "symbol__company_name": "company_name",
        "symbol__market_cap_bucket": "market_cap_bucket",
        "symbol__exchange_code": "exchange_code",
        "trading_day__is_half_day": "is_half_day",
        "trading_day__day_name": "day_name",
    },
    "closings": {
        "metric_time__day": "day",
        "ticker_day__ticker": "ticker",
        "symbol__sector": "sector",
        "symbol__company_name": "company_name",
        "symbol__exchange_code": "exchange_code",
        "trading_day__is_half_day": "is_half_day",
        "trading_day__day_name": "day_name",
    },
    "contracts": {
        "metric_time__day": "day",
        "option_chain__underlying": "underlying",
        "symbol__sector": "sector",
        "symbol__exchange_code": "exchange_code",
        "trading_day__day_name": "dayname(day)",
    },
    "volatilities": {
        "metric_time__day": "day",
        "option_chain__underlying": "underlying",
        "symbol__sector": "sector",
        "symbol__exchange_code": "exchange_code",
    },
}
