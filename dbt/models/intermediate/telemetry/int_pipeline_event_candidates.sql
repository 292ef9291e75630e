{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_hour(),
        event_time='event_time',
    )
}}
{%- set partitions = partitions_to_build(loaded_hours('stg_event_files__pipeline_events')) %}

with

lines as (

    {{ rows_of_partitions(ref('int_pipeline_event_lines'), partitions) }}

),

-- A line with a fault does not correct one without.
sound as (

    select * from lines
    where fault is null

),

candidates as (

    {{ latest_of_each_file(
        'sound',
        keys=['feed', 'event_id'],
        period='source_hour',
        latest_first=latest_event_first(),
        columns=['feed', 'source_hour', 'source_row', 'load_id', 'event_id', 'event_time'],
    ) }}

)

select * from candidates
