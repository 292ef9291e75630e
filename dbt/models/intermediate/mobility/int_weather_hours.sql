with

hours as (

    select * from {{ ref('stg_weather__hourly') }}

),

-- A file covers its New York month and, for the sake of the time zone, hours beside it: those belong to its neighbours.
hours_of_own_month as (

    select
        *,
        row_number() over (partition by hour_timestamp order by hour_utc) as pass_number,
        count(*) over (partition by hour_timestamp) > 1 as is_repeated_hour
    from hours
    where {{ month_start('hour_timestamp') }} = source_month

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
    from hours_of_own_month
    where pass_number = 1

)

select * from flagged
