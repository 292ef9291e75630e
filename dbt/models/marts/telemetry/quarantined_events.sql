{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_hour(),
        event_time='event_time',
    )
}}
-- depends_on: {{ ref('silver_pipeline_events') }}
{%- set expected = hours_with_rejected_rows('stg_event_files__pipeline_events', kept_in='silver_pipeline_events') %}
{%- set partitions = partitions_to_build(expected) %}

with

events as (

    {{ rows_of_partitions(ref('int_pipeline_event_rows'), partitions) }}

),

quarantined as (

    select
        feed,
        source_hour,
        source_row,
        load_id,
        event_id as identifier,
        quarantine_reason as reason,
        event_time,
        file_name,
        line_number,
        line
    from events
    where quarantine_reason is not null

)

select * from quarantined
