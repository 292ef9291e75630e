-- A day's minute bars with New York's clock, their session, and what the last 15 bars of the ticker say.
with day as (
    select * from core_staging.int_trading_days where trading_date = date '$day'
),

published as (
    select bars.*, day.* exclude (trading_date), make_timestamp(window_start // 1000)
        + to_minutes(day.utc_offset_minutes) as minute_new_york
    from raw_data.minute_aggs as bars
    cross join day
    where bars.source_date = date '$day'
),

repeated as (
    select ticker, window_start, min(source_row) as first_row
    from published
    group by all
    having count(*) > 1
),

kept as (
    select published.*
    from published
    left join repeated using (ticker, window_start)
    where
        published.ticker <> ''
        and published.minute_new_york::date = date '$day'
        and published.window_start % 60000000000 = 0
        and published.source_row <= coalesce(repeated.first_row, published.source_row)
        and isfinite(high) and low > 0 and open between low and high and close between low and high
        and isfinite(volume) and volume >= 0
)

select
    feed,
    source_date,
    source_row,
    _dlt_load_id as load_id,
    ticker,
    case
        when minute_new_york < premarket_opens_at then 'closed'
        when minute_new_york < opens_at then 'premarket'
        when minute_new_york < closes_at then 'market'
        when minute_new_york < postmarket_closes_at then 'postmarket'
        else 'closed'
    end as session,
    open,
    high,
    low,
    close,
    volume,
    transactions,
    avg(close) over last_15_bars as rolling_15m_avg_close,
    avg(volume) over last_15_bars as rolling_15m_avg_volume,
    max(high) over last_15_bars as rolling_15m_high,
    min(low) over last_15_bars as rolling_15m_low,
    sum(volume) over last_15_bars as rolling_15m_total_volume,
    window_start,
    minute_new_york as timestamp
from kept
window last_15_bars as (partition by ticker order by window_start rows between 14 preceding and current row)
