{{
    config(
        materialized='replace_partitions',
        partition_by=[{'field': 'pickup_month', 'data_type': 'date', 'granularity': 'month'}],
        event_time='hour_timestamp',
        batch_rows=0,
    )
}}
{#- A month at a time: DuckDB re-reads grouped months up to five times, more with more history. #}
{%- set partitions = partitions_to_build(expected_mobility_months()) %}

with

trips as (

    {{ rows_of_partitions(ref('fct_trips'), partitions) }}

),

weather as (

    select * from {{ ref('int_weather_hours') }}

),

hourly as (

    select
        pickup_hour as hour_timestamp,
        trip_type,
        pickup_date,
        pickup_month,
        pickup_hour_of_day,
        is_rush_hour,
        count(*) as trip_count,
        count(case when is_rush_hour then 1 end) as rush_hour_trip_count,
        count(case when is_sane then 1 end) as sane_trip_count,
        count(case when is_refund then 1 end) as refund_count,
        cast(sum(passenger_count) as bigint) as total_passengers,
        {{ rounded('sum(total_amount)', 2) }} as total_revenue,
        {{ rounded('sum(case when is_sane then trip_distance end)', 4) }} as total_trip_distance_miles,
        {{ rounded('sum(case when is_sane then trip_duration_minutes end) / 60', 4) }} as total_trip_duration_hours,
        {{ rounded('avg(case when is_sane then trip_duration_minutes end)', 4) }} as avg_trip_duration_minutes,
        {{ median('case when is_sane then trip_duration_minutes end') }} as median_trip_duration_minutes
    from trips
    group by pickup_hour, trip_type, pickup_date, pickup_month, pickup_hour_of_day, is_rush_hour

),

enriched as (

    select
        hourly.*,
        cast(100 as double) * hourly.trip_count
        / sum(hourly.trip_count) over (partition by hourly.hour_timestamp) as mode_share_pct,
        cast(100 as double) * sum(hourly.rush_hour_trip_count) over (partition by hourly.pickup_date, hourly.trip_type)
        / sum(hourly.trip_count) over (partition by hourly.pickup_date, hourly.trip_type) as rush_hour_share_pct,
        weather.temperature_celsius,
        weather.precipitation_mm,
        weather.snowfall_cm,
        weather.wind_speed_ms,
        weather.is_adverse_weather,
        weather.is_pleasant_weather,
        weather.is_rain,
        weather.is_snow
    from hourly
    left join weather
        on hourly.hour_timestamp = weather.hour_timestamp

)

select * from enriched
