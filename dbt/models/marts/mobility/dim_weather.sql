with

hours as (

    select * from {{ ref('int_hours_of_data') }}

),

weather as (

    select * from {{ ref('int_weather_hours') }}

),

weather_codes as (

    select * from {{ ref('wmo_weather_codes') }}

),

described as (

    select
        hours.hour_timestamp,
        weather.hour_utc,
        weather.source_month,
        weather.load_id,
        weather.weather_code,
        hours.date_day,
        hours.hour_of_day,
        weather.temperature_celsius,
        weather.temperature_celsius * 9 / 5 + 32 as temperature_fahrenheit,
        weather.apparent_temperature_celsius,
        weather.apparent_temperature_celsius * 9 / 5 + 32 as apparent_temperature_fahrenheit,
        weather.dew_point_celsius,
        weather.relative_humidity_pct,
        weather.precipitation_mm,
        weather.rain_mm,
        weather.snowfall_cm,
        weather.surface_pressure_hpa,
        weather.cloud_cover_pct,
        weather.wind_speed_ms,
        weather.wind_speed_ms * 3600 / 1609.344 as wind_speed_mph,
        weather.wind_gust_ms,
        weather.wind_direction_degrees,
        weather_codes.weather_description,
        weather_codes.weather_category,
        {{ temperature_category('weather.temperature_celsius') }} as temperature_category,
        {{ precipitation_intensity('weather.precipitation_mm') }} as precipitation_intensity,
        weather.hour_timestamp is not null as has_weather,
        weather.is_repeated_hour,
        weather.is_adverse_weather,
        weather.is_pleasant_weather,
        weather.is_good_cycling_weather,
        weather.is_rain,
        weather.is_snow
    from hours
    left join weather
        on hours.hour_timestamp = weather.hour_timestamp
    left join weather_codes
        on weather.weather_code = weather_codes.weather_code

)

select * from described
