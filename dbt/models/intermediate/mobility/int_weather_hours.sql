with

weather_rows as (

    select * from {{ ref('int_weather_rows') }}

),

flagged as (

    select
        hour_timestamp,
        hour_utc,
        source_month,
        load_id,
        weather_code,
        temperature_celsius,
        apparent_temperature_celsius,
        dew_point_celsius,
        relative_humidity_pct,
        precipitation_mm,
        rain_mm,
        snowfall_cm,
        surface_pressure_hpa,
        cloud_cover_pct,
        wind_speed_ms,
        wind_gust_ms,
        wind_direction_degrees,
        is_repeated_hour,
        {{ is_adverse_weather() }} as is_adverse_weather,
        {{ is_pleasant_weather() }} as is_pleasant_weather,
        {{ is_good_cycling_weather() }} as is_good_cycling_weather,
        rain_mm > 0 as is_rain,
        snowfall_cm > 0 as is_snow
    from weather_rows
    where set_aside_reason is null

)

select * from flagged
