{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(expected_ticker_days()) %}

with

sessions as (

    {{ rows_of_partitions(ref('fct_ticker_sessions'), partitions) }}

),

trading_days as (

    select * from {{ ref('dim_trading_day') }}

),

closing_prices as (

    select
        feed,
        source_date,
        ticker,
        close
    from {{ ref('fct_ticker_sessions') }}
    where session = 'market'

),

days as (

    select
        feed,
        source_date,
        ticker,
        min(load_id) as load_id,
        max(case when session = 'market' then open end) as open,
        max(case when session = 'market' then high end) as high,
        max(case when session = 'market' then low end) as low,
        max(case when session = 'market' then close end) as close,
        cast(sum(bar_count) as bigint) as bar_count,
        cast(sum(trade_count) as bigint) as trade_count,
        {{ rounded('sum(volume)', 4) }} as volume,
        {{ rounded('sum(notional)', 4) }} as notional
    from sessions
    group by feed, source_date, ticker

),

compared as (

    select
        days.feed,
        days.source_date,
        days.ticker,
        days.load_id,
        days.open,
        days.high,
        days.low,
        days.close,
        previous.close as previous_close,
        100 * (days.close - previous.close) / previous.close as change_pct,
        days.bar_count,
        days.trade_count,
        days.volume,
        days.notional,
        days.notional / nullif(days.volume, 0) as vwap
    from days
    inner join trading_days
        on days.source_date = trading_days.trading_date
    left join closing_prices as previous
        on days.feed = previous.feed
        and days.ticker = previous.ticker
        and trading_days.previous_trading_date = previous.source_date

)

select * from compared
