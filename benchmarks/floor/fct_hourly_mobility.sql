-- The hours of the trips with $condition.
with $weather,

hourly as (
    select
        pickup_hour as hour_timestamp, trip_type, pickup_date, pickup_month, pickup_hour_of_day, is_rush_hour,
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
    from core_core.fct_trips
    where $condition
    group by all
)

select
    hourly.*,
    100.0 * trip_count / sum(trip_count) over (partition by hour_timestamp) as mode_share_pct,
    100.0 * sum(rush_hour_trip_count) over (partition by pickup_date, trip_type)
    / sum(trip_count) over (partition by pickup_date, trip_type) as rush_hour_share_pct,
    weather.temperature_celsius, weather.precipitation_mm, weather.snowfall_cm, weather.wind_speed_ms,
    weather.is_adverse_weather, weather.is_pleasant_weather, weather.is_rain, weather.is_snow
from hourly
left join weather using (hour_timestamp)
