-- hours: New York's hours with all that a trip takes from its hour, the calendar and the weather
with local as (
    select *, from_utc_timestamp(time, 'America/New_York') as pickup_hour
    from weather
),

-- The first of the two hours that the clocks repeat in November.
first_hours as (
    select pickup_hour, min_by(struct(*), time) as hour
    from local
    where trunc(pickup_hour, 'month') = source_month
    group by pickup_hour
),

calendar as (
    select explode(sequence(timestamp '2022-11-01', timestamp '2025-12-31 23:00:00', interval 1 hour)) as pickup_hour
)

select
    calendar.pickup_hour,
    weekday(calendar.pickup_hour) >= 5 as is_weekend,
    cast(calendar.pickup_hour as date) in (${holidays}) as is_holiday,
    hour(calendar.pickup_hour) as pickup_hour_of_day,
    not is_weekend and not is_holiday
    and (pickup_hour_of_day between 7 and 9 or pickup_hour_of_day between 17 and 19) as is_rush_hour,
    not is_weekend and not is_holiday and pickup_hour_of_day between 9 and 16 as is_business_hours,
    pickup_hour_of_day >= 23 or pickup_hour_of_day <= 4 as is_late_night,
    time is not null as has_weather,
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
from calendar
left join (select hour.* from first_hours) as published on calendar.pickup_hour = published.pickup_hour;

-- rides: Citi Bike's rides; the station 5382.1 stands for 5382.10, which has lost its zero
select
    source_month,
    source_row,
    trim(ride_id) as ride_id,
    case
        when trim(start_station_id) rlike '^[0-9]+[.][0-9]$' then concat(trim(start_station_id), '0')
        else nullif(trim(start_station_id), '')
    end as start_station_id,
    trim(start_station_name) as start_station_name,
    case
        when trim(end_station_id) rlike '^[0-9]+[.][0-9]$' then concat(trim(end_station_id), '0')
        else nullif(trim(end_station_id), '')
    end as end_station_id,
    trim(end_station_name) as end_station_name,
    nullif(trim(rideable_type), '') as bike_type,
    case lower(trim(member_casual))
        when 'subscriber' then 'member'
        when 'customer' then 'casual'
        else nullif(lower(trim(member_casual)), '')
    end as rider_type,
    started_at as pickup_datetime,
    ended_at as dropoff_datetime
from citibike;

-- station_names: the station that bears a name in a month's file, for rides that name it without its id
select source_month, station_name, min(station_id) as station_id
from (
    select source_month, pickup_datetime, start_station_name as station_name, start_station_id as station_id from rides
    union all
    select source_month, pickup_datetime, end_station_name, end_station_id from rides
)
where
    station_name <> '' and station_id is not null
    and pickup_datetime >= source_month - interval 2 days
    and pickup_datetime < source_month + interval 1 month + interval 2 days
group by all
having count(distinct station_id) = 1;

-- first_rides: the first of the rides that share an id
select source_month, ride_id, min(source_row) as first_row
from rides
where ride_id is not null
group by all
having count(*) > 1;

-- citibike_trips: rides, but for repeated ones
select
    'citibike' as trip_type,
    'citibike' as feed,
    rides.source_month,
    coalesce(start_station_id, start_names.station_id) as start_station_id,
    coalesce(end_station_id, end_names.station_id) as end_station_id,
    bike_type,
    rider_type,
    pickup_datetime,
    dropoff_datetime
from rides
left join first_rides on rides.source_month = first_rides.source_month and rides.ride_id = first_rides.ride_id
left join station_names as start_names
    on
        rides.source_month = start_names.source_month
        and if(start_station_id is null, start_station_name, null) = start_names.station_name
left join station_names as end_names
    on
        rides.source_month = end_names.source_month
        and if(end_station_id is null, end_station_name, null) = end_names.station_name
where source_row <= coalesce(first_row, source_row);

-- yellow_trips
select
    'yellow_taxi' as trip_type,
    'yellow' as feed,
    source_month,
    VendorID as vendor_id,
    RatecodeID as rate_code_id,
    payment_type as payment_type_id,
    PULocationID as pickup_location_id,
    DOLocationID as dropoff_location_id,
    passenger_count,
    trip_distance,
    fare_amount,
    tip_amount,
    tolls_amount,
    congestion_surcharge,
    cbd_congestion_fee,
    airport_fee,
    total_amount,
    tpep_pickup_datetime as pickup_datetime,
    tpep_dropoff_datetime as dropoff_datetime
from yellow;

-- fhv_trips
select
    'fhv' as trip_type,
    'fhv' as feed,
    source_month,
    trim(dispatching_base_num) as dispatching_base_number,
    PUlocationID as pickup_location_id,
    DOlocationID as dropoff_location_id,
    pickup_datetime,
    dropOff_datetime as dropoff_datetime
from fhv;

-- trips: all trips that count, of the three feeds in `unioned`
with timed as (
    select
        *,
        date_trunc('hour', pickup_datetime) + case
            when month(pickup_datetime) = 3 and hour(pickup_datetime) = 2
                and cast(pickup_datetime as date) in (
                    date '2023-03-12', date '2024-03-10', date '2025-03-09', date '2026-03-08'
                )
                then interval 1 hour
            else interval 0 hour
        end as pickup_hour,
        (unix_micros(dropoff_datetime) - unix_micros(pickup_datetime)) / 60000000 + case
            when month(dropoff_datetime) not in (3, 11) or day(dropoff_datetime) > 15
                or cast(dropoff_datetime as date) > date_add(cast(pickup_datetime as date), 2)
                then 0
            when dropoff_datetime < pickup_datetime and hour(pickup_datetime) = 1 and hour(dropoff_datetime) = 1
                and cast(dropoff_datetime as date) = cast(pickup_datetime as date)
                and cast(pickup_datetime as date) in (
                    date '2022-11-06', date '2023-11-05', date '2024-11-03', date '2025-11-02'
                )
                then 60
            when pickup_datetime < '2022-11-06 01:00:00' and dropoff_datetime >= '2022-11-06 02:00:00' then 60
            when pickup_datetime < '2023-03-12 02:00:00' and dropoff_datetime >= '2023-03-12 03:00:00' then -60
            when pickup_datetime < '2023-11-05 01:00:00' and dropoff_datetime >= '2023-11-05 02:00:00' then 60
            when pickup_datetime < '2024-03-10 02:00:00' and dropoff_datetime >= '2024-03-10 03:00:00' then -60
            when pickup_datetime < '2024-11-03 01:00:00' and dropoff_datetime >= '2024-11-03 02:00:00' then 60
            when pickup_datetime < '2025-03-09 02:00:00' and dropoff_datetime >= '2025-03-09 03:00:00' then -60
            when pickup_datetime < '2025-11-02 01:00:00' and dropoff_datetime >= '2025-11-02 02:00:00' then 60
            else 0
        end as trip_duration_minutes
    from unioned
    where
        dropoff_datetime is not null
        and pickup_datetime >= source_month - interval 2 days
        and pickup_datetime < source_month + interval 1 month + interval 2 days
)

select
    feed,
    trip_type,
    vendor_id,
    rate_code_id,
    payment_type_id,
    cast(null as string) as license_number,
    dispatching_base_number,
    if(pickup_location_id between 1 and 265, pickup_location_id, 264) as pickup_location_id,
    if(dropoff_location_id between 1 and 265, dropoff_location_id, 264) as dropoff_location_id,
    coalesce(start_station_id, 'unknown') as start_station_id,
    coalesce(end_station_id, 'unknown') as end_station_id,
    bike_type,
    rider_type,
    passenger_count,
    trip_distance,
    trip_duration_minutes,
    if(trip_distance > 0 and trip_duration_minutes > 0, trip_distance / (trip_duration_minutes / 60), null)
        as avg_speed_mph,
    fare_amount,
    tip_amount,
    tolls_amount,
    congestion_surcharge,
    cbd_congestion_fee,
    airport_fee,
    total_amount,
    temperature_celsius,
    precipitation_mm,
    snowfall_cm,
    wind_speed_ms,
    coalesce(total_amount < 0, false) as is_refund,
    coalesce(trip_distance < 0 or trip_distance > 200, false) as is_distance_outlier,
    trip_duration_minutes <= 0 or trip_duration_minutes > 1440 as is_duration_outlier,
    coalesce(avg_speed_mph > 100, false) as is_speed_outlier,
    is_distance_outlier or is_duration_outlier or is_speed_outlier as is_outlier,
    not is_outlier and not is_refund as is_sane,
    is_weekend,
    is_holiday,
    is_rush_hour,
    is_business_hours,
    is_late_night,
    has_weather,
    is_adverse_weather,
    is_pleasant_weather,
    is_good_cycling_weather,
    is_rain,
    is_snow,
    pickup_datetime,
    dropoff_datetime,
    timed.pickup_hour,
    cast(timed.pickup_hour as date) as pickup_date,
    trunc(timed.pickup_hour, 'month') as pickup_month,
    pickup_hour_of_day,
    cast(dropoff_datetime as date) as dropoff_date,
    hour(dropoff_datetime) as dropoff_hour_of_day,
    source_month
from timed
left join hours on timed.pickup_hour = hours.pickup_hour
where trip_duration_minutes between 0 and 30 * 1440;

-- hourly: trips by hour of pickup, of the trips in `trips_of_months`; Spark's own rounding to digits is of decimals
with grouped as (
    select
        pickup_hour as hour_timestamp,
        trip_type,
        pickup_date,
        pickup_month,
        pickup_hour_of_day,
        is_rush_hour,
        count(*) as trip_count,
        count_if(is_rush_hour) as rush_hour_trip_count,
        count_if(is_sane) as sane_trip_count,
        count_if(is_refund) as refund_count,
        sum(passenger_count) as total_passengers,
        sum(total_amount) as total_revenue,
        sum(trip_distance) filter (where is_sane) as total_trip_distance_miles,
        sum(trip_duration_minutes) filter (where is_sane) / 60 as total_trip_duration_hours,
        avg(trip_duration_minutes) filter (where is_sane) as avg_trip_duration_minutes,
        median(trip_duration_minutes) filter (where is_sane) as median_trip_duration_minutes
    from trips_of_months
    group by all
)

select
    hour_timestamp,
    trip_type,
    pickup_date,
    grouped.pickup_hour_of_day,
    grouped.is_rush_hour,
    trip_count,
    rush_hour_trip_count,
    sane_trip_count,
    refund_count,
    total_passengers,
    round(round(total_revenue * 1e7) / 1e7 * 1e2) / 1e2 as total_revenue,
    round(round(total_trip_distance_miles * 1e9) / 1e9 * 1e4) / 1e4 as total_trip_distance_miles,
    round(round(total_trip_duration_hours * 1e9) / 1e9 * 1e4) / 1e4 as total_trip_duration_hours,
    round(round(avg_trip_duration_minutes * 1e9) / 1e9 * 1e4) / 1e4 as avg_trip_duration_minutes,
    median_trip_duration_minutes,
    100D * trip_count / sum(trip_count) over (partition by hour_timestamp) as mode_share_pct,
    100D * sum(rush_hour_trip_count) over (partition by pickup_date, trip_type)
    / sum(trip_count) over (partition by pickup_date, trip_type) as rush_hour_share_pct,
    hours.temperature_celsius,
    hours.precipitation_mm,
    hours.snowfall_cm,
    hours.wind_speed_ms,
    hours.is_adverse_weather,
    hours.is_pleasant_weather,
    hours.is_rain,
    hours.is_snow,
    pickup_month
from grouped
left join hours on grouped.hour_timestamp = hours.pickup_hour;
