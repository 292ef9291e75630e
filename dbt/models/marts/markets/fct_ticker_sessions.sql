{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(held_days('silver_minute_aggs')) %}

with

bars as (

    {{ rows_of_partitions(ref('silver_minute_aggs'), partitions) }}

),

sessions as (

    select
        feed,
        source_date,
        ticker,
        session,
        min(load_id) as load_id,
        count(*) as bar_count,
        cast(sum(transactions) as bigint) as trade_count,
        {{ first_by('open', 'window_start') }} as open,
        max(high) as high,
        min(low) as low,
        {{ last_by('close', 'window_start') }} as close,
        {{ rounded('sum(volume)', 4) }} as volume,
        {{ rounded('sum(' ~ typical_price() ~ ' * volume)', 4) }} as notional,
        {{ rounded('sum(high - low)', 4) }} as minute_range_sum,
        min(timestamp) as first_minute,
        max(timestamp) as last_minute
    from bars
    group by feed, source_date, ticker, session

)

select * from sessions
