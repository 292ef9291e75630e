with

trips as (

    select * from {{ ref('fct_trips') }}

),

weather as (

    select * from {{ ref('stg_weather_hourly') }}

),

hourly as (

    select
        pickup_hour as hour_timestamp,
        trip_type,
        pickup_date,
        pickup_month,
        pickup_hour_of_day,
        is_rush_hour,
        count(*) as trip_count,
        count(*) filter (is_rush_hour) as rush_hour_trip_count,
        count(*) filter (is_sane) as sane_trip_count,
        count(*) filter (is_refund) as refund_count,
        sum(passenger_count) as total_passengers,
        sum(total_amount) as total_revenue,
        sum(trip_distance) filter (is_sane) as total_trip_distance_miles,
        sum(trip_duration_minutes) filter (is_sane) / 60 as total_trip_duration_hours,
        avg(trip_duration_minutes) filter (is_sane) as avg_trip_duration_minutes,
        median(trip_duration_minutes) filter (is_sane) as median_trip_duration_minutes
    from trips
    group by all

),

enriched as (

    select
        hourly.*,
        100.0 * hourly.trip_count
        / sum(hourly.trip_count) over (partition by hourly.hour_timestamp) as mode_share_pct,
        100.0 * sum(hourly.rush_hour_trip_count) over (partition by hourly.pickup_date, hourly.trip_type)
        / sum(hourly.trip_count) over (partition by hourly.pickup_date, hourly.trip_type) as rush_hour_share_pct,
        weather.temperature_celsius,
        weather.precipitation_mm,
        weather.snowfall_cm,
        weather.wind_speed_ms,
        weather.is_adverse_weather,
        weather.is_pleasant_weather,
        weather.is_rain,
        weather.is_snow
    from hourly
    left join weather
        on hourly.hour_timestamp = weather.hour_timestamp

)

select * from enriched
