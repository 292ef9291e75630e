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

# The metrics by the view that they are of.
DEFINITIONS = {
    **{metric: ("bars", sql) for metric, sql in OF_BARS.items()},
    **{metric: ("closings", sql) for metric, sql in OF_CLOSINGS.items()},
    **{metric: ("contracts", sql) for metric, sql in OF_CONTRACTS.items()},
    **{metric: ("volatilities", sql) for metric, sql in OF_CHAINS.items()},
}

# What they can be grouped by, and what it is in the view.
DIMENSIONS = {
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
