{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_hour(),
        event_time='event_date',
    )
}}
{%- set partitions = partitions_to_build(expected_hours_of_days()) %}

with

events as (

    {{ rows_of_partitions(ref('silver_pipeline_events'), partitions) }}

),

event_days as (

    select
        feed,
        source_hour,
        event_date,
        count(*) as event_count
    from events
    group by feed, source_hour, event_date

)

select * from event_days
