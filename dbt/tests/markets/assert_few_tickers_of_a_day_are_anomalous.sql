{{ config(severity='warn', store_failures_as='view', meta={'dagster': {'ref': {'name': 'ticker_anomalies'}}}) }}
{#-
    Names the days on which more than 5 % of the tickers, and more than 20, are unlike their own past. On the wildest
    days of a market hardly one in a hundred doubles or halves, or is traded ten times as much. A file that was cut off,
    or that has another unit, has many more.
-#}
with

anomalies as (

    select * from {{ ref('ticker_anomalies') }}

),

unlike as (

    select
        feed,
        source_date,
        reason,
        count(*) as anomaly_count
    from anomalies
    group by feed, source_date, reason

),

days as (

    select
        feed,
        source_date,
        sum(anomaly_count) as anomaly_count,
        {{ last_by('reason', 'anomaly_count') }} as reason
    from unlike
    group by feed, source_date
    having sum(anomaly_count) > 20

),

traded as (

    select
        feed,
        source_date,
        count(*) as ticker_count
    from {{ ref('fct_ticker_sessions') }}
    where session = 'market'
    group by feed, source_date

),

not_traded as (

    select
        feed,
        source_date,
        count(*) as missing_count
    from anomalies
    where reason = 'not_traded'
    group by feed, source_date

),

shares as (

    select
        days.source_date,
        days.anomaly_count,
        coalesce(traded.ticker_count, 0) + coalesce(not_traded.missing_count, 0) as ticker_count,
        days.reason
    from days
    left join traded
        on days.feed = traded.feed
        and days.source_date = traded.source_date
    left join not_traded
        on days.feed = not_traded.feed
        and days.source_date = not_traded.source_date

)

select *
from shares
where anomaly_count > 0.05 * ticker_count
order by source_date
