{{
    config(
        materialized='replace_partitions',
        partition_by=[{'field': 'source_date', 'data_type': 'date', 'granularity': 'day'}],
        event_time='activity_hour',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(held_days('silver_trades')) %}

with

trades as (

    {{ rows_of_partitions(ref('silver_trades'), partitions) }}

),

activity as (

    select
        source_date,
        trader_id,
        {{ hour_start('trade_timestamp') }} as activity_hour,
        count(*) as trade_count,
        {{ rounded('sum(quantity)', 4) }} as total_volume,
        {{ rounded('sum(notional)', 4) }} as total_notional,
        count(distinct symbol) as distinct_symbols
    from trades
    where trader_id is not null
    group by source_date, trader_id, {{ hour_start('trade_timestamp') }}

)

select * from activity
