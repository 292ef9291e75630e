{{ config(materialized='table') }}

-- New York's hours with all that a trip takes from its hour: the calendar, and the weather.
with

weather as (

    -- The first of the two hours that the clocks repeat in November.
    select
        (time at time zone 'UTC') at time zone 'America/New_York' as pickup_hour,
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
    from {{ source('raw', 'weather') }}
    where date_trunc('month', pickup_hour) = source_month
    qualify row_number() over (partition by pickup_hour order by time) = 1

),

hours as (

    select pickup_hour from generate_series(
        timestamp '2022-11-01', timestamp '2025-12-31 23:00', interval 1 hour
    ) as hours (pickup_hour)

)

select
    hours.pickup_hour,
    isodow(hours.pickup_hour) >= 6 as is_weekend,
    hours.pickup_hour::date in (
        '2022-11-11', '2022-11-24', '2022-12-25', '2022-12-26',
        '2023-01-01', '2023-01-02', '2023-01-16', '2023-02-20', '2023-05-29', '2023-06-19', '2023-07-04',
        '2023-09-04', '2023-10-09', '2023-11-10', '2023-11-11', '2023-11-23', '2023-12-25',
        '2024-01-01', '2024-01-15', '2024-02-19', '2024-05-27', '2024-06-19', '2024-07-04', '2024-09-02',
        '2024-10-14', '2024-11-11', '2024-11-28', '2024-12-25',
        '2025-01-01', '2025-01-20', '2025-02-17', '2025-05-26', '2025-06-19', '2025-07-04', '2025-09-01',
        '2025-10-13', '2025-11-11', '2025-11-27', '2025-12-25'
    ) as is_holiday,
    hour(hours.pickup_hour)::integer as pickup_hour_of_day,
    not is_weekend and not is_holiday
    and (pickup_hour_of_day between 7 and 9 or pickup_hour_of_day between 17 and 19) as is_rush_hour,
    not is_weekend and not is_holiday and pickup_hour_of_day between 9 and 16 as is_business_hours,
    pickup_hour_of_day >= 23 or pickup_hour_of_day <= 4 as is_late_night,
    weather.pickup_hour is not null as has_weather,
    weather.* exclude (pickup_hour)
from hours
left join weather on hours.pickup_hour = weather.pickup_hour
