with

source as (

    select * from {{ source('raw_data', 'weather_hourly') }}

),

renamed as (

    select
        -- ids
        _dlt_load_id as load_id,

        -- numbers
        temperature_2m as temperature_celsius,
        precipitation as precipitation_mm,
        rain as rain_mm,
        snowfall as snowfall_cm,
        wind_speed_10m as wind_speed_ms,
        cloud_cover as cloud_cover_pct,

        -- times
        time as hour_utc,
        (time at time zone 'UTC') at time zone 'America/New_York' as hour_timestamp
    from source

),

deduplicated as (

    select * from renamed
    qualify row_number() over (partition by hour_timestamp order by load_id desc, hour_utc) = 1

),

flagged as (

    select
        *,
        precipitation_mm > 5
        or temperature_celsius < -5
        or temperature_celsius > 35
        or wind_speed_ms > 15
        or snowfall_cm > 1 as is_adverse_weather,
        temperature_celsius between 15 and 25
        and precipitation_mm = 0
        and wind_speed_ms < 10
        and cloud_cover_pct < 50 as is_pleasant_weather,
        temperature_celsius between 10 and 25
        and precipitation_mm = 0
        and wind_speed_ms < 15 as is_good_cycling_weather,
        rain_mm > 0 as is_rain,
        snowfall_cm > 0 as is_snow
    from deduplicated

)

select * from flagged
