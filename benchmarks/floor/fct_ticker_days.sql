-- What a ticker did on a day, and against its closing price of the trading day before.
with previous as (
    select sessions.ticker, sessions.close
    from core_markets.fct_ticker_sessions as sessions
    where
        session = 'market'
        and source_date = (
            select previous_trading_date from core_markets.dim_trading_day where trading_date = date '$day'
        )
),

days as (
    select
        feed,
        source_date,
        ticker,
        min(load_id) as load_id,
        max(open) filter (session = 'market') as open,
        max(high) filter (session = 'market') as high,
        max(low) filter (session = 'market') as low,
        max(close) filter (session = 'market') as close,
        sum(bar_count)::bigint as bar_count,
        sum(trade_count)::bigint as trade_count,
        round(sum(volume), 4) as volume,
        round(sum(notional), 4) as notional
    from core_markets.fct_ticker_sessions
    where source_date = date '$day'
    group by all
)

select
    feed,
    source_date,
    ticker,
    load_id,
    open,
    high,
    low,
    days.close,
    previous.close as previous_close,
    100 * (days.close - previous.close) / previous.close as change_pct,
    bar_count,
    trade_count,
    volume,
    notional,
    notional / nullif(volume, 0) as vwap
from days
left join previous using (ticker)
