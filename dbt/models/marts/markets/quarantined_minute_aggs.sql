{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='minute_utc',
        batch_rows=4000000,
    )
}}
-- depends_on: {{ ref('silver_minute_aggs') }}
{%- set expected = days_with_rejected_rows('stg_flat_files__minute_aggs', kept_in='silver_minute_aggs') %}
{%- set partitions = partitions_to_build(expected) %}

with

{{ judged_minute_bars(partitions) }},

quarantined as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        ticker,
        quarantine_reason as reason,
        open,
        high,
        low,
        close,
        volume,
        transactions,
        window_start,
        minute_utc
    from judged
    where quarantine_reason is not null

)

select * from quarantined
