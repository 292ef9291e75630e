{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='event_time',
    )
}}
-- depends_on: {{ ref('silver_crawler_results') }}
{%- set expected = days_with_rejected_rows('stg_event_files__crawler_results', kept_in='silver_crawler_results') %}
{%- set partitions = partitions_to_build(expected) %}

with

crawls as (

    {{ rows_of_partitions(ref('int_crawl_rows'), partitions) }}

),

quarantined as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        user_name as identifier,
        quarantine_reason as reason,
        crawled_at as event_time,
        file_name,
        line_number,
        line
    from crawls
    where quarantine_reason is not null

)

select * from quarantined
