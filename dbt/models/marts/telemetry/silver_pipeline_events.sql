{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_hour(),
        event_time='event_time',
    )
}}
-- depends_on: {{ ref('int_pipeline_events_superseded') }}
{%- set partitions = partitions_to_build(expected_event_hours()) %}

with

events as (

    {{ rows_of_partitions(ref('int_pipeline_event_rows'), partitions) }}

),

kept as (

    select
        -- ids
        feed,
        source_hour,
        source_row,
        load_id,
        event_id,
        workspace,
        pipeline,
        run_id,

        -- texts
        status,
        error,
        {{ kind_of_error('status', 'error') }} as error_kind,
        payload,
        other_fields,

        -- numbers
        {{ seconds_between('started_at', 'finished_at') }} as duration_seconds,
        row_count,
        {{ quality_score(
            'run_id', 'status', 'started_at', 'finished_at', 'row_count', 'error', 'event_time', 'source_hour'
        ) }} as quality_score,

        -- booleans
        {{ is_filed_late('event_time', 'source_hour') }} as is_late,

        -- times
        started_at,
        finished_at,
        event_time,
        cast(event_time as date) as event_date,

        -- where the line stood
        file_name,
        line_number
    from events
    where quarantine_reason is null

)

select * from kept
