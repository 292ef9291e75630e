{{ config(meta={'dagster': {'ref': {'name': 'fct_hourly_mobility'}}}) }}
{#-
    Counts and passengers are exact. Sums of doubles are rounded hour by hour: revenue to a cent, miles and hours to
    0.0001. For each hour they may be off by half of that. Sums that are NaN or infinite on both sides count as equal:
    another test names those.
-#}
with

trips as (

    select
        pickup_month,
        trip_type,
        count(*) as trip_count,
        count(case when is_rush_hour then 1 end) as rush_hour_trip_count,
        count(case when is_sane then 1 end) as sane_trip_count,
        count(case when is_refund then 1 end) as refund_count,
        sum(passenger_count) as total_passengers,
        sum(total_amount) as total_revenue,
        sum(case when is_sane then trip_distance end) as total_trip_distance_miles,
        sum(case when is_sane then trip_duration_minutes end) / 60 as total_trip_duration_hours
    from {{ ref('fct_trips') }}
    group by pickup_month, trip_type

),

hourly as (

    select
        pickup_month,
        trip_type,
        count(*) as hour_count,
        sum(trip_count) as trip_count,
        sum(rush_hour_trip_count) as rush_hour_trip_count,
        sum(sane_trip_count) as sane_trip_count,
        sum(refund_count) as refund_count,
        sum(total_passengers) as total_passengers,
        sum(total_revenue) as total_revenue,
        sum(total_trip_distance_miles) as total_trip_distance_miles,
        sum(total_trip_duration_hours) as total_trip_duration_hours
    from {{ ref('fct_hourly_mobility') }}
    group by pickup_month, trip_type

),

compared as (

    select
        coalesce(trips.pickup_month, hourly.pickup_month) as pickup_month,
        coalesce(trips.trip_type, hourly.trip_type) as trip_type,
        trips.trip_count as trips,
        hourly.trip_count as trips_counted,
        trips.rush_hour_trip_count as rush_hour_trips,
        hourly.rush_hour_trip_count as rush_hour_trips_counted,
        trips.sane_trip_count as sane_trips,
        hourly.sane_trip_count as sane_trips_counted,
        trips.refund_count as refunds,
        hourly.refund_count as refunds_counted,
        trips.total_passengers as passengers,
        hourly.total_passengers as passengers_counted,
        trips.total_revenue as revenue,
        hourly.total_revenue as revenue_counted,
        case
            when {{ is_finite('trips.total_revenue') }} or {{ is_finite('hourly.total_revenue') }}
                then abs(coalesce(trips.total_revenue, 0) - coalesce(hourly.total_revenue, 0))
        end as revenue_off,
        abs(coalesce(trips.total_trip_distance_miles, 0) - coalesce(hourly.total_trip_distance_miles, 0)) as miles_off,
        abs(coalesce(trips.total_trip_duration_hours, 0) - coalesce(hourly.total_trip_duration_hours, 0)) as hours_off,
        -- One more, for the rounding of the month's own sum.
        hourly.hour_count + 1 as rounded_hours
    from trips
    full outer join hourly
        on trips.pickup_month = hourly.pickup_month
        and trips.trip_type = hourly.trip_type

)

select *
from compared
where
    trips is distinct from trips_counted
    or rush_hour_trips is distinct from rush_hour_trips_counted
    or sane_trips is distinct from sane_trips_counted
    or refunds is distinct from refunds_counted
    or passengers is distinct from passengers_counted
    or revenue_off > 0.005 * rounded_hours
    or miles_off > 0.00005 * rounded_hours
    or hours_off > 0.00005 * rounded_hours
