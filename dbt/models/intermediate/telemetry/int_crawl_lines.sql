with

crawls as (

    select * from {{ ref('stg_event_files__crawler_results') }}

),

dated as (

    select
        *,
        cast(crawled_at as date) as crawl_date
    from crawls

),

judged as (

    select
        *,
        case
            when problem is not null then problem
            when user_name is null then 'missing_user_name'
            when not has_crawl_time then 'missing_crawled_at'
            when crawled_at is null then 'bad_time'
            -- A day after the day of the file has ended.
            when crawled_at > {{ dbt.dateadd('day', 2, 'source_date') | trim }} then 'in_the_future'
        end as fault
    from dated

)

select * from judged
