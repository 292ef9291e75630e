{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_hour(),
        event_time='source_hour',
    )
}}
-- depends_on: {{ ref('loaded_partitions') }}
{%- set partitions = partitions_to_build(loaded_hours('stg_event_files__pipeline_events')) %}

with

source as (

    {{ rows_of_partitions(source('raw_data', 'pipeline_events'), partitions) }}

),

as_published as (

    select
        feed,
        source_hour,
        source_row,
        _dlt_load_id as load_id,
        file_name,
        line_number,
        event_id,
        workspace,
        pipeline,
        run_id,
        status,
        started_at,
        finished_at,
        rows,
        error,
        payload,
        other_fields,
        problem,
        line
    from source

)

select * from as_published
