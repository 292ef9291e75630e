{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='trip_id',
    )
}}

with

weather as (

    select * from {{ ref('stg_weather_hourly') }}

),

trips as (

    select * from {{ ref('stg_yellow_taxi') }}
    union all by name
    select * from {{ ref('stg_fhv_taxi') }}
    union all by name
    select * from {{ ref('stg_citibike_trips') }}

),

new_trips as (

    select * from trips
    {%- if is_incremental() %}
    where pickup_datetime > (select max(pickup_datetime) from {{ this }})
    {%- endif %}

),

measured as (

    select
        *,
        date_trunc('hour', pickup_datetime) as pickup_hour,
        cast(pickup_datetime as date) as pickup_date,
        cast(date_trunc('month', pickup_datetime) as date) as pickup_month,
        hour(pickup_datetime) as pickup_hour_of_day,
        cast(dropoff_datetime as date) as dropoff_date,
        hour(dropoff_datetime) as dropoff_hour_of_day,
        date_diff('second', pickup_datetime, dropoff_datetime) / 60 as trip_duration_minutes,
        isodow(pickup_datetime) >= 6 as is_weekend
    from new_trips

),

judged as (

    select
        *,
        trip_distance / nullif(trip_duration_minutes / 60, 0) as avg_speed_mph,
        coalesce(total_amount < 0, false) as is_refund,
        coalesce(trip_distance < 0 or trip_distance > 200, false) as is_distance_outlier,
        trip_duration_minutes <= 0 or trip_duration_minutes > 1440 as is_duration_outlier,
        coalesce(avg_speed_mph > 100, false) as is_speed_outlier
    from measured

),

enriched as (

    select
        -- ids
        judged.trip_id,
        judged.feed,
        judged.source_month,
        judged.trip_type,
        judged.vendor_id,
        judged.rate_code_id,
        judged.payment_type_id,
        judged.dispatching_base_number,
        coalesce(judged.pickup_location_id, 264) as pickup_location_id,
        coalesce(judged.dropoff_location_id, 264) as dropoff_location_id,
        coalesce(judged.start_station_id, 'unknown') as start_station_id,
        coalesce(judged.end_station_id, 'unknown') as end_station_id,
        judged.bike_type,
        judged.rider_type,
        judged.load_id,

        -- numbers
        judged.passenger_count,
        judged.trip_distance,
        judged.trip_duration_minutes,
        judged.avg_speed_mph,
        judged.fare_amount,
        judged.tip_amount,
        judged.tolls_amount,
        judged.congestion_surcharge,
        judged.cbd_congestion_fee,
        judged.airport_fee,
        judged.total_amount,
        weather.temperature_celsius,
        weather.precipitation_mm,
        weather.snowfall_cm,
        weather.wind_speed_ms,

        -- booleans
        judged.is_refund,
        judged.is_distance_outlier,
        judged.is_duration_outlier,
        judged.is_speed_outlier,
        judged.is_distance_outlier or judged.is_duration_outlier or judged.is_speed_outlier as is_outlier,
        not judged.is_refund and not is_outlier as is_sane,
        judged.is_weekend,
        not judged.is_weekend
        and (judged.pickup_hour_of_day between 7 and 9 or judged.pickup_hour_of_day between 17 and 19) as is_rush_hour,
        not judged.is_weekend and judged.pickup_hour_of_day between 9 and 16 as is_business_hours,
        judged.pickup_hour_of_day >= 23 or judged.pickup_hour_of_day <= 4 as is_late_night,
        weather.hour_timestamp is not null as has_weather,
        weather.is_adverse_weather,
        weather.is_pleasant_weather,
        weather.is_good_cycling_weather,
        weather.is_rain,
        weather.is_snow,

        -- times
        judged.pickup_datetime,
        judged.dropoff_datetime,
        judged.pickup_hour,
        judged.pickup_date,
        judged.pickup_month,
        judged.pickup_hour_of_day,
        judged.dropoff_date,
        judged.dropoff_hour_of_day
    from judged
    left join weather
        on judged.pickup_hour = weather.hour_timestamp

)

select * from enriched
