-- The rows of the facts. $$month is the first of a month in quotes: of the files, or of the hours.

-- weather_hours: New York's hours; of the one that comes twice in November the earlier counts
select
    toDateTime(toString(toStartOfHour(toTimeZone(time, 'America/New_York'))), 'UTC') as hour,
    temperature_2m as temperature_celsius, precipitation as precipitation_mm, snowfall as snowfall_cm,
    wind_speed_10m as wind_speed_ms,
    precipitation > 5 or temperature_2m < -5 or temperature_2m > 35 or wind_speed_10m > 15 or snowfall > 1
        as is_adverse_weather,
    temperature_2m between 15 and 25 and precipitation = 0 and wind_speed_10m < 10 and cloud_cover < 50
        as is_pleasant_weather,
    temperature_2m between 10 and 25 and precipitation = 0 and wind_speed_10m < 15 as is_good_cycling_weather,
    rain > 0 as is_rain, snowfall > 0 as is_snow
from (
    select *
    from weather
    where source_month between toDate($month) - interval 1 month and toDate($month) + interval 1 month
    order by time
)
where toStartOfMonth(hour) = source_month
limit 1 by hour;

-- yellow
select
    'yellow_taxi' as trip_type, VendorID as vendor_id, RatecodeID as rate_code_id, payment_type as payment_type_id,
    null as dispatching_base_number, PULocationID as from_zone, DOLocationID as to_zone, null as from_station,
    null as to_station, null as bike_type, null as rider_type, passenger_count, trip_distance, fare_amount, tip_amount,
    tolls_amount, congestion_surcharge, cbd_congestion_fee, airport_fee, total_amount,
    tpep_pickup_datetime as begun, tpep_dropoff_datetime as ended
from yellow
where source_month = $month;

-- fhv
select
    'fhv' as trip_type, null as vendor_id, null as rate_code_id, null as payment_type_id,
    trimBoth(dispatching_base_num) as dispatching_base_number, PUlocationID as from_zone, DOlocationID as to_zone,
    null as from_station, null as to_station, null as bike_type, null as rider_type, null as passenger_count,
    null::Nullable(Float64) as trip_distance, null as fare_amount, null as tip_amount, null as tolls_amount,
    null as congestion_surcharge, null as cbd_congestion_fee, null as airport_fee,
    null::Nullable(Float64) as total_amount, pickup_datetime as begun, dropOff_datetime as ended
from fhv
where source_month = $month;

-- citibike: the ids of stations lost a last zero in some files; a name stands for the one id that it has in its month
with rides as (
    select
        trimBoth(ride_id) as ride, nullIf(trimBoth(rideable_type), '') as bike_type,
        lower(trimBoth(member_casual)) as rider, started_at as begun, ended_at as ended,
        trimBoth(start_station_name) as from_name, trimBoth(end_station_name) as to_name,
        nullIf(replaceRegexpOne(trimBoth(start_station_id), '^([0-9]+[.][0-9])$$', '\\10'), '') as from_id,
        nullIf(replaceRegexpOne(trimBoth(end_station_id), '^([0-9]+[.][0-9])$$', '\\10'), '') as to_id
    from citibike
    where source_month = $month
),

names as (
    select name, min(id) as station
    from (
        select arrayJoin([(from_name, from_id), (to_name, to_id)]) as pair, pair.1 as name, pair.2 as id
        from rides
        where
            begun >= toDate($month) - 2 and begun < toDate($month) + interval 1 month + interval 2 day
    )
    where name <> '' and id is not null
    group by name
    having uniqExact(id) = 1
)

select
    'citibike' as trip_type, null as vendor_id, null as rate_code_id, null as payment_type_id,
    null as dispatching_base_number, null::Nullable(Int32) as from_zone, null::Nullable(Int32) as to_zone,
    coalesce(from_id, starts.station) as from_station, coalesce(to_id, ends.station) as to_station, bike_type,
    multiIf(rider = 'subscriber', 'member', rider = 'customer', 'casual', nullIf(rider, '')) as rider_type,
    null as passenger_count, null::Nullable(Float64) as trip_distance, null as fare_amount, null as tip_amount,
    null as tolls_amount, null as congestion_surcharge, null as cbd_congestion_fee, null as airport_fee,
    null::Nullable(Float64) as total_amount, begun, ended
from (
    select * from rides where ride is null
    union all
    select * from rides where ride is not null limit 1 by ride
) as rides
left join names as starts on if(from_id is null, from_name, null) = starts.name
left join names as ends on if(to_id is null, to_name, null) = ends.name;

-- trips
with
timed as (
    select
        *,
        toStartOfHour(begun) + if(
            toMonth(begun) = 3 and toHour(begun) = 2
            and toDate(begun) in ('2023-03-12', '2024-03-10', '2025-03-09', '2026-03-08'),
            3600, 0
        ) as hour,
        -- How often the clocks went back, and forward, between the two.
        arrayCount(change -> begun < change + 3600 and ended >= change + 7200, [
            toDateTime('2022-11-06 00:00:00', 'UTC'), toDateTime('2023-11-05 00:00:00', 'UTC'),
            toDateTime('2024-11-03 00:00:00', 'UTC'), toDateTime('2025-11-02 00:00:00', 'UTC')
        ]) - arrayCount(change -> begun < change + 7200 and ended >= change + 10800, [
            toDateTime('2023-03-12 00:00:00', 'UTC'), toDateTime('2024-03-10 00:00:00', 'UTC'),
            toDateTime('2025-03-09 00:00:00', 'UTC')
        ]) + (
            ended < begun and toHour(begun) = 1 and toHour(ended) = 1 and toDate(begun) = toDate(ended)
            and toDate(begun) in ('2022-11-06', '2023-11-05', '2024-11-03', '2025-11-02')
        ) as changes,
        (toUnixTimestamp64Micro(ended) - toUnixTimestamp64Micro(begun)) / 60000000 + 60 * changes as minutes,
        if(trip_distance > 0 and minutes > 0, trip_distance / (minutes / 60), null) as speed,
        coalesce(total_amount < 0, false) as is_refund,
        coalesce(trip_distance < 0 or trip_distance > 200, false) as is_distance_outlier,
        minutes <= 0 or minutes > 1440 as is_duration_outlier,
        coalesce(speed > 100, false) as is_speed_outlier,
        is_distance_outlier or is_duration_outlier or is_speed_outlier as is_outlier,
        toDayOfWeek(hour) >= 6 as is_weekend,
        toDate(hour) in ($holidays) as is_holiday,
        toHour(hour) as hour_of_day
    from ($rows)
    where
        begun >= toDate($month) - 2 and begun < toDate($month) + interval 1 month + interval 2 day
        and minutes between 0 and 30 * 1440
)

select
    '$feed' as feed, toDate($month) as source_month, trip_type, vendor_id, rate_code_id, payment_type_id,
    null as license_number, dispatching_base_number,
    if(from_zone between 1 and 265, from_zone, 264) as pickup_location_id,
    if(to_zone between 1 and 265, to_zone, 264) as dropoff_location_id,
    coalesce(from_station, 'unknown') as start_station_id, coalesce(to_station, 'unknown') as end_station_id,
    bike_type, rider_type, passenger_count, trip_distance, minutes as trip_duration_minutes, speed as avg_speed_mph,
    fare_amount, tip_amount, tolls_amount, congestion_surcharge, cbd_congestion_fee, airport_fee, total_amount,
    temperature_celsius, precipitation_mm, snowfall_cm, wind_speed_ms,
    is_refund, is_distance_outlier, is_duration_outlier, is_speed_outlier, is_outlier,
    not is_outlier and not is_refund as is_sane,
    is_weekend, is_holiday,
    not is_weekend and not is_holiday and (hour_of_day between 7 and 9 or hour_of_day between 17 and 19)
        as is_rush_hour,
    not is_weekend and not is_holiday and hour_of_day between 9 and 16 as is_business_hours,
    hour_of_day >= 23 or hour_of_day <= 4 as is_late_night,
    weather.hour is not null as has_weather,
    is_adverse_weather, is_pleasant_weather, is_good_cycling_weather, is_rain, is_snow,
    begun as pickup_datetime, ended as dropoff_datetime, timed.hour as pickup_hour, toDate(timed.hour) as pickup_date,
    toStartOfMonth(timed.hour) as pickup_month, hour_of_day as pickup_hour_of_day,
    toDate(ended) as dropoff_date, toHour(ended) as dropoff_hour_of_day
from timed
left join ($weather_hours) as weather on timed.hour = weather.hour;

-- hourly: trips of a month lie in its files and those of the months around it
with hours as (
    select
        pickup_hour as hour_timestamp, trip_type, pickup_date, pickup_month, pickup_hour_of_day, is_rush_hour,
        count() as trip_count, countIf(is_rush_hour) as rush_hour_trip_count, countIf(is_sane) as sane_trip_count,
        countIf(is_refund) as refund_count, sum(passenger_count) as total_passengers,
        round(round(sum(total_amount), 7), 2) as total_revenue,
        round(round(sumIf(trip_distance, is_sane), 9), 4) as total_trip_distance_miles,
        -- ClickHouse rounds halves to the even digit; these are rounded up, as by everybody else.
        floor(round(sumOrNullIf(trip_duration_minutes, is_sane) / 60, 9) * 10000 + 0.5) / 10000
            as total_trip_duration_hours,
        floor(round(avgOrNullIf(trip_duration_minutes, is_sane), 9) * 10000 + 0.5) / 10000
            as avg_trip_duration_minutes,
        quantileExactInclusiveOrNullIf(0.5)(trip_duration_minutes, is_sane) as median_trip_duration_minutes
    from trips
    where
        pickup_month = $month
        and source_month between toDate($month) - interval 1 month and toDate($month) + interval 1 month
    group by all
)

select
    hours.*,
    100.0 * trip_count / sum(trip_count) over (partition by hour_timestamp) as mode_share_pct,
    100.0 * sum(rush_hour_trip_count) over (partition by pickup_date, trip_type)
    / sum(trip_count) over (partition by pickup_date, trip_type) as rush_hour_share_pct,
    temperature_celsius, precipitation_mm, snowfall_cm, wind_speed_ms, is_adverse_weather, is_pleasant_weather,
    is_rain, is_snow
from hours
left join ($weather_hours) as weather on hour_timestamp = weather.hour;
