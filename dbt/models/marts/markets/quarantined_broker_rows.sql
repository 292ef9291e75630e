{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='observed_at_utc',
    )
}}
-- depends_on: {{ ref('fct_candles_daily') }}
-- depends_on: {{ ref('fct_options_bars') }}
-- depends_on: {{ ref('fct_options_snapshots') }}
{%- set expected = [
    days_with_rejected_rows('stg_broker__candles_daily', kept_in='fct_candles_daily'),
    days_with_rejected_rows('stg_broker__options_bars', kept_in='fct_options_bars'),
    days_with_rejected_rows('stg_broker__options_snapshots', kept_in='fct_options_snapshots'),
] | join(' union all ') %}
{%- set partitions = partitions_to_build(expected) %}

with

rejected as (

    {{ rows_of_partitions(ref('int_broker_rows_rejected'), partitions) }}

)

select * from rejected
