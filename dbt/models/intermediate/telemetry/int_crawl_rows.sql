with

lines as (

    select * from {{ ref('int_crawl_lines') }}

),

superseded as (

    select * from {{ ref('int_crawls_superseded') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by feed, source_date, user_name, crawl_date, fault is null order by {{ latest_crawl_first() }}
        ) as age
    from lines

),

judged as (

    select
        ranked.*,
        case
            when ranked.fault is not null then ranked.fault
            when ranked.age > 1 or superseded.user_name is not null then 'superseded'
        end as quarantine_reason
    from ranked
    left join superseded
        on ranked.feed = superseded.feed
        and ranked.source_date = superseded.source_date
        and ranked.user_name = superseded.user_name
        and ranked.crawl_date = superseded.crawl_date

)

select * from judged
