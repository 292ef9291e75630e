{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_month(),
        event_time='pickup_datetime',
    )
}}
{%- set partitions = partitions_to_build(expected_trip_partitions()) %}

with

trips as (

    {{ rows_of_partitions(ref('int_trips'), partitions) }}

),

dates as (

    select * from {{ ref('int_dates') }}

),

hours as (

    select * from {{ ref('dim_time') }}

),

weather as (

    select * from {{ ref('int_weather_hours') }}

),

kept as (

    select * from trips
    where quarantine_reason is null

),

enriched as (

    select
        -- ids
        kept.trip_id,
        kept.feed,
        kept.source_month,
        kept.trip_type,
        kept.vendor_id,
        kept.rate_code_id,
        kept.payment_type_id,
        kept.license_number,
        kept.dispatching_base_number,
        {{ known_location_id('kept.pickup_location_id') }} as pickup_location_id,
        {{ known_location_id('kept.dropoff_location_id') }} as dropoff_location_id,
        coalesce(kept.start_station_id, '{{ unknown_station_id() }}') as start_station_id,
        coalesce(kept.end_station_id, '{{ unknown_station_id() }}') as end_station_id,
        kept.bike_type,
        kept.rider_type,
        kept.load_id,

        -- numbers
        kept.passenger_count,
        kept.trip_distance,
        kept.trip_duration_minutes,
        kept.avg_speed_mph,
        kept.fare_amount,
        kept.tip_amount,
        kept.tolls_amount,
        kept.congestion_surcharge,
        kept.cbd_congestion_fee,
        kept.airport_fee,
        kept.total_amount,
        weather.temperature_celsius,
        weather.precipitation_mm,
        weather.snowfall_cm,
        weather.wind_speed_ms,

        -- booleans
        kept.is_refund,
        kept.is_distance_outlier,
        kept.is_duration_outlier,
        kept.is_speed_outlier,
        kept.is_outlier,
        kept.is_sane,
        dates.is_weekend,
        dates.is_holiday,
        dates.is_working_day and hours.is_rush_hour_window as is_rush_hour,
        dates.is_working_day and hours.is_business_hours_window as is_business_hours,
        hours.is_late_night,
        weather.hour_timestamp is not null as has_weather,
        weather.is_adverse_weather,
        weather.is_pleasant_weather,
        weather.is_good_cycling_weather,
        weather.is_rain,
        weather.is_snow,

        -- times
        kept.pickup_datetime,
        kept.dropoff_datetime,
        kept.pickup_hour,
        kept.pickup_date,
        kept.pickup_month,
        kept.pickup_hour_of_day,
        kept.dropoff_date,
        kept.dropoff_hour_of_day
    from kept
    left join dates
        on kept.pickup_date = dates.date_day
    left join hours
        on kept.pickup_hour_of_day = hours.hour_of_day
    left join weather
        on kept.pickup_hour = weather.hour_timestamp

)

select * from enriched
