{{ config(severity='warn', store_failures_as='view', meta={'dagster': {'ref': {'name': 'int_daily_trips'}}}) }}
-- Names the days, feed by feed. Files with fewer than 20 rows a day are left out, because there a day without trips is
-- chance. But a file of 20 rows with no trip in its own month is of another month. Known events are left out, too.
with

loaded as (

    select
        feed,
        source_month,
        row_count
    from {{ ref('int_loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds('mobility', 'trip')) }}

),

days as (

    select
        date_day,
        month_start_date,
        count(*) over (partition by month_start_date) as days_in_month
    from {{ ref('dim_date') }}

),

event_days as (

    select * from {{ ref('int_event_days') }}

),

daily as (

    select
        feed,
        pickup_date,
        count(case when source_month = {{ month_start('pickup_date') }} then 1 end) as own_files
    from {{ ref('int_daily_trips') }}
    group by feed, pickup_date

),

days_of_files as (

    select
        loaded.feed,
        days.date_day,
        loaded.row_count,
        days.days_in_month,
        daily.pickup_date is not null as has_trips,
        sum(coalesce(daily.own_files, 0)) over (partition by loaded.feed, loaded.source_month) as days_of_own_file
    from loaded
    inner join days
        on loaded.source_month = days.month_start_date
    left join daily
        on loaded.feed = daily.feed
        and days.date_day = daily.pickup_date

)

select
    days_of_files.feed,
    days_of_files.date_day
from days_of_files
left join event_days
    on days_of_files.feed = event_days.feed
    and days_of_files.date_day = event_days.date_day
where
    (
        days_of_files.row_count >= 20 * days_of_files.days_in_month
        or (days_of_files.row_count >= 20 and days_of_files.days_of_own_file = 0)
    )
    and not days_of_files.has_trips
    and event_days.date_day is null
order by days_of_files.feed, days_of_files.date_day
