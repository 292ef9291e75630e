{{ config(severity='warn', store_failures_as='view', schema='checks') }}
{#-
    Names the days whose trips are far from the median of the same weekday in the five weeks before and after: below
    30 % of it or above 250 %, and more than six robust standard deviations off (1.4826 times the median absolute
    deviation), and more than chance makes of small numbers. Snow and rain take two thirds of a day's bike rides; a day
    that was published in part or twice is further off. Holidays are unlike their weekday, and neither judged nor
    compared with.
-#}
with

loaded as (

    {{ loaded_trip_months() }}

),

calendar as (

    select
        date_day,
        month_start_date,
        day_of_week
    from {{ ref('dim_date') }}
    where not is_holiday

),

hourly as (

    select * from {{ ref('fct_hourly_mobility') }}

),

daily as (

    select
        hourly.trip_type,
        hourly.pickup_date,
        calendar.day_of_week,
        sum(hourly.trip_count) as trip_count
    from hourly
    inner join calendar
        on hourly.pickup_date = calendar.date_day
    -- Trips that spill over into a month that is not loaded are no day's trips.
    inner join loaded
        on hourly.trip_type = loaded.trip_type
        and calendar.month_start_date = loaded.source_month
    group by hourly.trip_type, hourly.pickup_date, calendar.day_of_week

),

weekdays as (

    select
        daily.trip_type,
        daily.pickup_date,
        daily.trip_count,
        beside.trip_count as trip_count_beside
    from daily
    inner join daily as beside
        on daily.trip_type = beside.trip_type
        and daily.day_of_week = beside.day_of_week
        and daily.pickup_date <> beside.pickup_date
        and beside.pickup_date >= {{ add_days('daily.pickup_date', -35) }}
        and beside.pickup_date <= {{ add_days('daily.pickup_date', 35) }}

),

medians as (

    select
        trip_type,
        pickup_date,
        {{ median('trip_count_beside') }} as median_trip_count
    from weekdays
    group by trip_type, pickup_date
    having count(*) >= 4

),

deviations as (

    select
        weekdays.trip_type,
        weekdays.pickup_date,
        weekdays.trip_count,
        medians.median_trip_count,
        {{ median('abs(weekdays.trip_count_beside - medians.median_trip_count)') }} as median_deviation
    from weekdays
    inner join medians
        on weekdays.trip_type = medians.trip_type
        and weekdays.pickup_date = medians.pickup_date
    group by weekdays.trip_type, weekdays.pickup_date, weekdays.trip_count, medians.median_trip_count

)

select *
from deviations
where
    (trip_count < 0.3 * median_trip_count or trip_count > 2.5 * median_trip_count)
    and abs(trip_count - median_trip_count) > greatest(6 * 1.4826 * median_deviation, 6 * sqrt(median_trip_count))
order by trip_type, pickup_date
