MODEL (
    name facts.hourly,
    kind INCREMENTAL_BY_TIME_RANGE (time_column hour_timestamp, lookback 2)
);

-- Trips by hour of pickup, which is up to two days outside the month of its file.
with

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
        sum(passenger_count)::bigint as total_passengers,
        round(round(sum(total_amount), 7), 2) as total_revenue,
        round(round(sum(trip_distance) filter (is_sane), 9), 4) as total_trip_distance_miles,
        round(round(sum(trip_duration_minutes) filter (is_sane) / 60, 9), 4) as total_trip_duration_hours,
        round(round(avg(trip_duration_minutes) filter (is_sane), 9), 4) as avg_trip_duration_minutes,
        median(trip_duration_minutes) filter (is_sane) as median_trip_duration_minutes
    from facts.trips
    where pickup_hour between @start_ts and @end_ts
    group by all

)

select
    hourly.*,
    100.0 * trip_count / sum(trip_count) over (partition by hour_timestamp) as mode_share_pct,
    100.0 * sum(rush_hour_trip_count) over (partition by pickup_date, trip_type)
    / sum(trip_count) over (partition by pickup_date, trip_type) as rush_hour_share_pct,
    hours.temperature_celsius,
    hours.precipitation_mm,
    hours.snowfall_cm,
    hours.wind_speed_ms,
    hours.is_adverse_weather,
    hours.is_pleasant_weather,
    hours.is_rain,
    hours.is_snow
from hourly
left join facts.hours as hours on hourly.hour_timestamp = hours.pickup_hour
