{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='trade_timestamp',
        batch_rows=4000000,
    )
}}
-- depends_on: {{ ref('int_trades_moved') }}
{%- set partitions = partitions_to_build(expected_trade_days()) %}

with

trades as (

    {{ rows_of_partitions(ref('int_trade_rows'), partitions) }}

),

kept as (

    select
        -- ids
        feed,
        source_date,
        load_id,
        kafka_partition,
        kafka_offset,
        trade_id,
        symbol,
        exchange,
        trader_id,
        account_id,
        side,

        -- numbers
        price,
        quantity,
        price * quantity as notional,

        -- booleans
        price is null as is_missing_price,
        quantity is null as is_missing_quantity,

        -- times
        trade_timestamp,
        event_timestamp
    from trades
    where quarantine_reason is null

)

select * from kept
