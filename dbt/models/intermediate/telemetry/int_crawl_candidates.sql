{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='crawled_at',
    )
}}
{%- set partitions = partitions_to_build(loaded_days('stg_event_files__crawler_results')) %}

with

lines as (

    {{ rows_of_partitions(ref('int_crawl_lines'), partitions) }}

),

-- A line with a fault does not correct one without.
sound as (

    select * from lines
    where fault is null

),

candidates as (

    {{ latest_of_each_file(
        'sound',
        keys=['feed', 'user_name', 'crawl_date'],
        period='source_date',
        latest_first=latest_crawl_first(),
        columns=['feed', 'source_date', 'source_row', 'load_id', 'user_name', 'crawl_date', 'crawled_at'],
    ) }}

)

select * from candidates
