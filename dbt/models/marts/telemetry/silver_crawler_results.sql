{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='crawled_at',
    )
}}
-- depends_on: {{ ref('int_crawls_superseded') }}
{%- set partitions = partitions_to_build(expected_crawl_days()) %}

with

crawls as (

    {{ rows_of_partitions(ref('int_crawl_rows'), partitions) }}

),

kept as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        load_id,
        user_name,

        -- texts
        display_name,
        raw_json,

        -- numbers
        followers,
        following,
        posts,
        {{ completeness() }} as completeness,

        -- booleans
        is_verified,

        -- times
        created_at,
        crawled_at,
        crawl_date,

        -- where the line stood
        file_name,
        line_number
    from crawls
    where quarantine_reason is null

)

select * from kept
