{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(held_days('fct_ticker_days')) %}

with

ticker_days as (

    {{ rows_of_partitions(ref('fct_ticker_days'), partitions) }}

),

market_days as (

    select
        feed,
        source_date,
        min(load_id) as load_id,
        count(*) as ticker_count,
        cast(sum(trade_count) as bigint) as trade_count,
        {{ rounded('sum(volume)', 4) }} as volume,
        {{ rounded('sum(notional)', 4) }} as notional,
        count(change_pct) as compared_count,
        cast(sum(case when change_pct > 0 then 1 else 0 end) as bigint) as advancer_count,
        cast(sum(case when change_pct < 0 then 1 else 0 end) as bigint) as decliner_count,
        cast(sum(case when change_pct = 0 then 1 else 0 end) as bigint) as unchanged_count
    from ticker_days
    group by feed, source_date

)

select * from market_days
