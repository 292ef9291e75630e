{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
    )
}}
-- depends_on: {{ ref('loaded_partitions') }}
{%- set partitions = partitions_to_build(loaded_days('stg_event_files__crawler_results')) %}

with

source as (

    {{ rows_of_partitions(source('raw_data', 'crawler_results'), partitions) }}

),

as_published as (

    select
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        file_name,
        line_number,
        user_name,
        display_name,
        followers,
        following,
        posts,
        verified,
        created_at,
        crawled_at,
        raw_json,
        other_fields,
        problem,
        line
    from source

)

select * from as_published
