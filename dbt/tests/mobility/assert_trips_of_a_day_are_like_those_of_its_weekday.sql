{{ config(severity='warn', store_failures_as='view', meta={'dagster': {'ref': {'name': 'int_daily_trips'}}}) }}
{#-
    Names the days, feed by feed, whose trips are far from the median of the same weekday. A day is named if all of this
    holds: it is below 30 % or above 250 % of the median of the five weeks before, of the five weeks after and of both;
    it is more than six robust standard deviations off (1.4826 times the median absolute deviation); and it is further
    off than chance explains with small numbers. Snow and rain take up to two thirds of a day's bike rides; a day that
    was published in part or twice is further off. Holidays, the days next to them and days of known events are left
    out on both sides.
-#}
with

loaded as (

    select
        feed,
        source_month
    from {{ ref('int_loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds('mobility', 'trip')) }}

),

dates as (

    select
        date_day,
        month_start_date,
        day_of_week,
        is_holiday
        or coalesce(lag(is_holiday) over (order by date_day), false)
        or coalesce(lead(is_holiday) over (order by date_day), false) as is_near_holiday
    from {{ ref('dim_date') }}

),

event_days as (

    select * from {{ ref('int_event_days') }}

),

daily_trips as (

    select
        feed,
        pickup_date,
        sum(trip_count) as trip_count
    from {{ ref('int_daily_trips') }}
    group by feed, pickup_date

),

daily as (

    select
        daily_trips.feed,
        daily_trips.pickup_date,
        dates.day_of_week,
        daily_trips.trip_count
    from daily_trips
    inner join dates
        on daily_trips.pickup_date = dates.date_day
    -- Trips that spill over into a month that is not loaded are not all of a day's trips.
    inner join loaded
        on daily_trips.feed = loaded.feed
        and dates.month_start_date = loaded.source_month
    left join event_days
        on daily_trips.feed = event_days.feed
        and daily_trips.pickup_date = event_days.date_day
    where not dates.is_near_holiday and event_days.date_day is null

),

weekdays as (

    select
        daily.feed,
        daily.pickup_date,
        daily.trip_count,
        beside.trip_count as trip_count_beside,
        case when beside.pickup_date < daily.pickup_date then beside.trip_count end as trip_count_before,
        case when beside.pickup_date > daily.pickup_date then beside.trip_count end as trip_count_after
    from daily
    inner join daily as beside
        on daily.feed = beside.feed
        and daily.day_of_week = beside.day_of_week
        and daily.pickup_date <> beside.pickup_date
        and beside.pickup_date >= {{ add_days('daily.pickup_date', -35) }}
        and beside.pickup_date <= {{ add_days('daily.pickup_date', 35) }}

),

medians as (

    select
        feed,
        pickup_date,
        {{ median('trip_count_beside') }} as median_trip_count,
        {{ median('trip_count_before') }} as median_before,
        {{ median('trip_count_after') }} as median_after
    from weekdays
    group by feed, pickup_date
    having count(*) >= 4

),

deviations as (

    select
        weekdays.feed,
        weekdays.pickup_date,
        weekdays.trip_count,
        medians.median_trip_count,
        coalesce(medians.median_before, medians.median_after) as median_before,
        coalesce(medians.median_after, medians.median_before) as median_after,
        {{ median('abs(weekdays.trip_count_beside - medians.median_trip_count)') }} as median_deviation
    from weekdays
    inner join medians
        on weekdays.feed = medians.feed
        and weekdays.pickup_date = medians.pickup_date
    group by
        weekdays.feed,
        weekdays.pickup_date,
        weekdays.trip_count,
        medians.median_trip_count,
        medians.median_before,
        medians.median_after

)

select
    feed,
    pickup_date,
    trip_count,
    median_trip_count,
    median_deviation
from deviations
where
    (
        trip_count < 0.3 * least(median_trip_count, median_before, median_after)
        or trip_count > 2.5 * greatest(median_trip_count, median_before, median_after)
    )
    and abs(trip_count - median_trip_count) > greatest(6 * 1.4826 * median_deviation, 6 * sqrt(median_trip_count))
order by feed, pickup_date
