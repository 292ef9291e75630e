with $trips,

$weather,

-- All that a trip takes from its hour, worked out once an hour.
hours as (
    select
        pickup_hour,
        isodow(pickup_hour) >= 6 as is_weekend,
        pickup_hour::date in (
            '2022-11-11', '2022-11-24', '2022-12-25', '2022-12-26',
            '2023-01-01', '2023-01-02', '2023-01-16', '2023-02-20', '2023-05-29', '2023-06-19', '2023-07-04',
            '2023-09-04', '2023-10-09', '2023-11-10', '2023-11-11', '2023-11-23', '2023-12-25',
            '2024-01-01', '2024-01-15', '2024-02-19', '2024-05-27', '2024-06-19', '2024-07-04', '2024-09-02',
            '2024-10-14', '2024-11-11', '2024-11-28', '2024-12-25',
            '2025-01-01', '2025-01-20', '2025-02-17', '2025-05-26', '2025-06-19', '2025-07-04', '2025-09-01',
            '2025-10-13', '2025-11-11', '2025-11-27', '2025-12-25'
        ) as is_holiday,
        hour(pickup_hour) as pickup_hour_of_day,
        not is_weekend and not is_holiday
        and (pickup_hour_of_day between 7 and 9 or pickup_hour_of_day between 17 and 19) as is_rush_hour,
        not is_weekend and not is_holiday and pickup_hour_of_day between 9 and 16 as is_business_hours,
        pickup_hour_of_day >= 23 or pickup_hour_of_day <= 4 as is_late_night,
        weather.hour_timestamp is not null as has_weather,
        weather.*
    from generate_series(timestamp '2022-11-01', timestamp '2025-12-31 23:00', interval 1 hour) as hours (pickup_hour)
    left join weather on hours.pickup_hour = weather.hour_timestamp
)

select
    trip_id, feed, source_month, trip_type, vendor_id::integer as vendor_id, rate_code_id, payment_type_id,
    null::varchar as license_number, dispatching_base_number,
    (case when pickup_location_id between 1 and 265 then pickup_location_id else 264 end)::integer
        as pickup_location_id,
    (case when dropoff_location_id between 1 and 265 then dropoff_location_id else 264 end)::integer
        as dropoff_location_id,
    coalesce(start_station_id, 'unknown') as start_station_id, coalesce(end_station_id, 'unknown') as end_station_id,
    bike_type, rider_type, load_id,
    passenger_count, trip_distance, trip_duration_minutes,
    case when trip_distance > 0 and trip_duration_minutes > 0 then trip_distance / (trip_duration_minutes / 60) end
        as avg_speed_mph,
    fare_amount, tip_amount, tolls_amount, congestion_surcharge, cbd_congestion_fee, airport_fee, total_amount,
    temperature_celsius, precipitation_mm, snowfall_cm, wind_speed_ms,
    coalesce(total_amount < 0, false) as is_refund,
    coalesce(trip_distance < 0 or trip_distance > 200, false) as is_distance_outlier,
    trip_duration_minutes <= 0 or trip_duration_minutes > 1440 as is_duration_outlier,
    coalesce(avg_speed_mph > 100, false) as is_speed_outlier,
    is_distance_outlier or is_duration_outlier or is_speed_outlier as is_outlier,
    not is_outlier and not is_refund as is_sane,
    is_weekend, is_holiday, is_rush_hour, is_business_hours, is_late_night, has_weather,
    is_adverse_weather, is_pleasant_weather, is_good_cycling_weather, is_rain, is_snow,
    pickup_datetime, dropoff_datetime, trips.pickup_hour, trips.pickup_hour::date as pickup_date,
    date_trunc('month', trips.pickup_hour)::date as pickup_month, pickup_hour_of_day::integer as pickup_hour_of_day,
    dropoff_datetime::date as dropoff_date, hour(dropoff_datetime)::integer as dropoff_hour_of_day
from trips
left join hours on trips.pickup_hour = hours.pickup_hour
where reason is null
