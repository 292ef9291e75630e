with

source as (

    select * from {{ source('raw_data', 'weather_hourly') }}

),

renamed as (

    select
        -- ids
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        weather_code,

        -- numbers
        temperature_2m as temperature_celsius,
        apparent_temperature as apparent_temperature_celsius,
        dew_point_2m as dew_point_celsius,
        relative_humidity_2m as relative_humidity_pct,
        precipitation as precipitation_mm,
        rain as rain_mm,
        snowfall as snowfall_cm,
        surface_pressure as surface_pressure_hpa,
        cloud_cover as cloud_cover_pct,
        wind_speed_10m as wind_speed_ms,
        wind_gusts_10m as wind_gust_ms,
        wind_direction_10m as wind_direction_degrees,

        -- times
        time as hour_utc,
        {{ utc_to_new_york('time') }} as hour_timestamp
    from source

)

select * from renamed
