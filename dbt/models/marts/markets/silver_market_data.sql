{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='interval_start',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(loaded_days('stg_exchange__market_data')) %}

with

intervals as (

    {{ rows_of_partitions(ref('int_market_data_rows'), partitions) }}

),

kept as (

    select
        -- ids
        feed,
        source_date,
        load_id,
        kafka_partition,
        kafka_offset,
        symbol,

        -- numbers
        interval_seconds,
        open,
        high,
        low,
        close,
        volume,

        -- booleans
        volume is null as is_missing_volume,

        -- times
        interval_start,
        event_timestamp
    from intervals
    where quarantine_reason is null

)

select * from kept
