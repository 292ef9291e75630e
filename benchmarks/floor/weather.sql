-- New York's hours, the first of the two that the clocks repeat in November.
weather as (
    select
        (time at time zone 'UTC') at time zone 'America/New_York' as hour_timestamp,
        temperature_2m as temperature_celsius,
        precipitation as precipitation_mm,
        snowfall as snowfall_cm,
        wind_speed_10m as wind_speed_ms,
        precipitation > 5 or temperature_2m < -5 or temperature_2m > 35 or wind_speed_10m > 15 or snowfall > 1
            as is_adverse_weather,
        temperature_2m between 15 and 25 and precipitation = 0 and wind_speed_10m < 10 and cloud_cover < 50
            as is_pleasant_weather,
        temperature_2m between 10 and 25 and precipitation = 0 and wind_speed_10m < 15 as is_good_cycling_weather,
        rain > 0 as is_rain,
        snowfall > 0 as is_snow
    from raw_data.weather_hourly
    where date_trunc('month', hour_timestamp) = source_month
    qualify row_number() over (partition by hour_timestamp order by time) = 1
)
