{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
    )
}}
{%- set partitions = partitions_to_build(loaded_days('stg_broker__candles_daily')) %}

with

candles as (

    {{ rows_of_partitions(ref('int_candle_rows'), partitions) }}

),

kept as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        symbol,
        open,
        high,
        low,
        close,
        volume,
        trade_count,
        vwap
    from candles
    where quarantine_reason is null

)

select * from kept
