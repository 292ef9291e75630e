-- What a ticker did in each session of a day, from its minute bars.
select
    feed,
    source_date,
    ticker,
    session,
    min(load_id) as load_id,
    count(*) as bar_count,
    sum(transactions)::bigint as trade_count,
    min_by(open, window_start) as open,
    max(high) as high,
    min(low) as low,
    max_by(close, window_start) as close,
    round(sum(volume), 4) as volume,
    round(sum((high + low + close) / 3 * volume), 4) as notional,
    round(sum(high - low), 4) as minute_range_sum,
    min(timestamp) as first_minute,
    max(timestamp) as last_minute
from core_markets.silver_minute_aggs
where source_date = date '$day'
group by all
