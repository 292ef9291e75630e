with

trips as (

    select
        pickup_month,
        trip_type,
        count(*) as trip_count
    from {{ ref('fct_trips') }}
    group by pickup_month, trip_type

),

hourly as (

    select
        pickup_month,
        trip_type,
        sum(trip_count) as trip_count
    from {{ ref('fct_hourly_mobility') }}
    group by pickup_month, trip_type

)

select
    coalesce(trips.pickup_month, hourly.pickup_month) as pickup_month,
    coalesce(trips.trip_type, hourly.trip_type) as trip_type,
    trips.trip_count as trips,
    hourly.trip_count as trips_counted
from trips
full outer join hourly
    on trips.pickup_month = hourly.pickup_month
    and trips.trip_type = hourly.trip_type
where trips.trip_count is distinct from hourly.trip_count
