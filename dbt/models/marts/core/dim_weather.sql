with

hours as (

    select * from {{ ref('int_weather_hours') }}

),

weather_codes as (

    select * from {{ ref('wmo_weather_codes') }}

),

described as (

    select
        hours.hour_timestamp,
        hours.hour_utc,
        hours.source_month,
        hours.load_id,
        hours.weather_code,
        cast(hours.hour_timestamp as date) as date_day,
        {{ date_part_integer('hour', 'hours.hour_timestamp') }} as hour_of_day,
        hours.temperature_celsius,
        hours.temperature_celsius * 9 / 5 + 32 as temperature_fahrenheit,
        hours.apparent_temperature_celsius,
        hours.apparent_temperature_celsius * 9 / 5 + 32 as apparent_temperature_fahrenheit,
        hours.dew_point_celsius,
        hours.relative_humidity_pct,
        hours.precipitation_mm,
        hours.rain_mm,
        hours.snowfall_cm,
        hours.surface_pressure_hpa,
        hours.cloud_cover_pct,
        hours.wind_speed_ms,
        hours.wind_speed_ms * 3600 / 1609.344 as wind_speed_mph,
        hours.wind_gust_ms,
        hours.wind_direction_degrees,
        weather_codes.weather_description,
        weather_codes.weather_category,
        {{ temperature_category('hours.temperature_celsius') }} as temperature_category,
        {{ precipitation_intensity('hours.precipitation_mm') }} as precipitation_intensity,
        hours.is_repeated_hour,
        hours.is_adverse_weather,
        hours.is_pleasant_weather,
        hours.is_good_cycling_weather,
        hours.is_rain,
        hours.is_snow
    from hours
    left join weather_codes
        on hours.weather_code = weather_codes.weather_code

)

select * from described
