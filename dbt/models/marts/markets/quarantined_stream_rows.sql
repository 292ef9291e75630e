{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='event_time',
        batch_rows=4000000,
    )
}}
-- depends_on: {{ ref('silver_trades') }}
-- depends_on: {{ ref('silver_orderbook_snapshots') }}
-- depends_on: {{ ref('silver_market_data') }}
{%- set expected = [
    days_with_rejected_rows('stg_exchange__trades', kept_in='silver_trades'),
    days_with_rejected_rows('stg_exchange__orderbook_snapshots', kept_in='silver_orderbook_snapshots'),
    days_with_rejected_rows('stg_exchange__market_data', kept_in='silver_market_data'),
] | join(' union all ') %}
{%- set partitions = partitions_to_build(expected) %}

with

rejected as (

    {{ rows_of_partitions(ref('int_stream_rows_rejected'), partitions) }}

)

select * from rejected
