{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='snapshot_timestamp',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(loaded_days('stg_exchange__orderbook_snapshots')) %}

with

snapshots as (

    {{ rows_of_partitions(ref('int_orderbook_rows'), partitions) }}

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
        exchange,

        -- numbers
        {% for name in order_book_levels() -%}
        {{ name }},
        {% endfor -%}
        {{ round_to('ask_price_1 - bid_price_1', 2) }} as spread,
        (bid_price_1 + ask_price_1) / 2 as mid_price,

        -- times
        snapshot_timestamp,
        event_timestamp
    from snapshots
    where quarantine_reason is null

)

select * from kept
