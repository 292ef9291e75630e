{{ config(severity='warn', store_failures_as='view', schema='checks') }}
-- Names the days. Months with fewer than 20 trips a day are left out: there, a day without is chance.
with

loaded as (

    {{ loaded_trip_months() }}

),

days as (

    select
        date_day,
        month_start_date
    from {{ ref('dim_date') }}

),

daily as (

    select
        trip_type,
        pickup_date,
        sum(trip_count) as trip_count
    from {{ ref('fct_hourly_mobility') }}
    group by trip_type, pickup_date

),

days_of_loaded_months as (

    select
        loaded.trip_type,
        days.date_day,
        daily.trip_count,
        avg(coalesce(daily.trip_count, 0)) over (partition by loaded.trip_type, loaded.source_month) as mean_trip_count
    from loaded
    inner join days
        on loaded.source_month = days.month_start_date
    left join daily
        on loaded.trip_type = daily.trip_type
        and days.date_day = daily.pickup_date

)

select
    trip_type,
    date_day
from days_of_loaded_months
where trip_count is null and mean_trip_count >= 20
order by trip_type, date_day
