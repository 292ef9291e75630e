{{ config(meta={'dagster': {'ref': {'name': 'fct_hourly_mobility'}}}) }}
-- Where the weather of a month is loaded, 99.9 % of the month's trips have it. Another test names months without any.
-- This reads hours instead of trips, because all trips of an hour have the same weather.
with

hours as (

    select
        pickup_month,
        hour_timestamp,
        trip_count
    from {{ ref('fct_hourly_mobility') }}

),

weather as (

    select
        hour_timestamp,
        has_weather
    from {{ ref('dim_weather') }}

),

loaded as (

    select source_month
    from {{ ref('int_loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds('mobility', 'weather_hour')) }}

),

months as (

    select
        hours.pickup_month,
        sum(hours.trip_count) as trips,
        sum(case when weather.has_weather then hours.trip_count else 0 end) as trips_with_weather
    from hours
    inner join loaded
        on hours.pickup_month = loaded.source_month
    left join weather
        on hours.hour_timestamp = weather.hour_timestamp
    group by hours.pickup_month

)

select
    pickup_month,
    trips,
    trips_with_weather,
    100.0 * trips_with_weather / trips as coverage_pct
from months
where trips_with_weather < 0.999 * trips
