{{ config(severity='warn', store_failures_as='view', schema='checks') }}
-- Names the days, feed by feed. Files with fewer than 20 rows a day are left out: there, a day without is chance. A
-- file whose rows are of another month has no trip on any day of its own. Days of known events are left out, too.
with

loaded as (

    select
        feed,
        source_month,
        row_count
    from {{ ref('int_loaded_partitions') }}
    where {{ is_trip_feed('feed') }}

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

    select distinct
        feed,
        pickup_date
    from {{ ref('int_daily_trips') }}

)

select
    loaded.feed,
    days.date_day
from loaded
inner join days
    on loaded.source_month = days.month_start_date
left join daily
    on loaded.feed = daily.feed
    and days.date_day = daily.pickup_date
left join event_days
    on loaded.feed = event_days.feed
    and days.date_day = event_days.date_day
where
    loaded.row_count >= 20 * days.days_in_month
    and daily.pickup_date is null
    and event_days.date_day is null
order by loaded.feed, days.date_day
