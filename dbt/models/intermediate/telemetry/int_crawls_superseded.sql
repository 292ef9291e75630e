-- A table, because several models read it, and it takes all days to know it.
{{ config(materialized='table') }}

with

candidates as (

    select * from {{ ref('int_crawl_candidates') }}

),

superseded as (

    {{ candidates_superseded(
        'candidates',
        keys=['feed', 'user_name', 'crawl_date'],
        period='source_date',
        latest_first=latest_crawl_first(),
    ) }}

)

select * from superseded
