MODEL (
    name facts.trips,
    kind INCREMENTAL_BY_TIME_RANGE (time_column source_month)
);

-- A station's id as text; 5382.1 stands for 5382.10, which has lost its zero.
@DEF(
    station_id,
    id -> case
        when id like '%._%' and regexp_matches(trim(id), '^[0-9]+[.][0-9]$') then trim(id) || '0'
        else nullif(trim(id), '')
    end
);

-- All trips of a month's files. Rides and stations are compared within a month's file.
with

rides as (

    select
        * replace (trim(ride_id) as ride_id, @station_id(start_station_id) as start_station_id,
            @station_id(end_station_id) as end_station_id)
    from raw.citibike
    where source_month between @start_date and @end_date

),

first_rides as (

    select
        source_month,
        ride_id,
        min(source_row) as first_row
    from rides
    where ride_id is not null
    group by all
    having count(*) > 1

),

-- The station that bears a name in a month's file, for rides that name it without its id.
station_names as (

    select
        source_month,
        station_name,
        min(station_id) as station_id
    from (
        select source_month, started_at, trim(start_station_name) as station_name, start_station_id as station_id
        from rides
        union all
        select source_month, started_at, trim(end_station_name), end_station_id
        from rides
    )
    where
        station_name <> '' and station_id is not null
        and started_at >= source_month - 2 and started_at < source_month + interval 1 month + interval 2 day
    group by all
    having count(distinct station_id) = 1

),

unioned as (

    select
        'yellow_taxi' as trip_type,
        'yellow' as feed,
        source_month,
        VendorID as vendor_id,
        RatecodeID as rate_code_id,
        payment_type as payment_type_id,
        null::varchar as dispatching_base_number,
        PULocationID as pickup_location_id,
        DOLocationID as dropoff_location_id,
        null::varchar as start_station_id,
        null::varchar as end_station_id,
        null::varchar as bike_type,
        null::varchar as rider_type,
        passenger_count,
        trip_distance,
        fare_amount,
        tip_amount,
        tolls_amount,
        congestion_surcharge,
        cbd_congestion_fee,
        Airport_fee as airport_fee,
        total_amount,
        false as is_repeated_ride,
        tpep_pickup_datetime as pickup_datetime,
        tpep_dropoff_datetime as dropoff_datetime
    from raw.yellow
    where source_month between @start_date and @end_date
    union all by name
    select
        'fhv' as trip_type,
        'fhv' as feed,
        source_month,
        trim(dispatching_base_num) as dispatching_base_number,
        PUlocationID as pickup_location_id,
        DOlocationID as dropoff_location_id,
        pickup_datetime,
        dropOff_datetime as dropoff_datetime
    from raw.fhv
    where source_month between @start_date and @end_date
    union all by name
    select
        'citibike' as trip_type,
        'citibike' as feed,
        rides.source_month,
        coalesce(start_station_id, start_names.station_id) as start_station_id,
        coalesce(end_station_id, end_names.station_id) as end_station_id,
        nullif(trim(rideable_type), '') as bike_type,
        case lower(trim(member_casual))
            when 'subscriber' then 'member'
            when 'customer' then 'casual'
            else nullif(lower(trim(member_casual)), '')
        end as rider_type,
        source_row > coalesce(first_row, source_row) as is_repeated_ride,
        started_at as pickup_datetime,
        ended_at as dropoff_datetime
    from rides
    left join first_rides using (source_month, ride_id)
    left join station_names as start_names
        on
            rides.source_month = start_names.source_month
            and case when start_station_id is null then trim(start_station_name) end = start_names.station_name
    left join station_names as end_names
        on
            rides.source_month = end_names.source_month
            and case when end_station_id is null then trim(end_station_name) end = end_names.station_name

),

timed as (

    select
        *,
        date_trunc('hour', pickup_datetime) + case
            when month(pickup_datetime) = 3 and hour(pickup_datetime) = 2
                and pickup_datetime::date in ('2023-03-12', '2024-03-10', '2025-03-09', '2026-03-08')
                then interval 1 hour
            else interval 0 hour
        end as pickup_hour,
        (epoch_us(dropoff_datetime) - epoch_us(pickup_datetime)) / 60000000 + case
            when month(dropoff_datetime) not in (3, 11) or day(dropoff_datetime) > 15
                or dropoff_datetime::date > pickup_datetime::date + 2
                then 0
            when dropoff_datetime < pickup_datetime and hour(pickup_datetime) = 1 and hour(dropoff_datetime) = 1
                and dropoff_datetime::date = pickup_datetime::date
                and pickup_datetime::date in ('2022-11-06', '2023-11-05', '2024-11-03', '2025-11-02')
                then 60
            when pickup_datetime < '2022-11-06 01:00' and dropoff_datetime >= '2022-11-06 02:00' then 60
            when pickup_datetime < '2023-03-12 02:00' and dropoff_datetime >= '2023-03-12 03:00' then -60
            when pickup_datetime < '2023-11-05 01:00' and dropoff_datetime >= '2023-11-05 02:00' then 60
            when pickup_datetime < '2024-03-10 02:00' and dropoff_datetime >= '2024-03-10 03:00' then -60
            when pickup_datetime < '2024-11-03 01:00' and dropoff_datetime >= '2024-11-03 02:00' then 60
            when pickup_datetime < '2025-03-09 02:00' and dropoff_datetime >= '2025-03-09 03:00' then -60
            when pickup_datetime < '2025-11-02 01:00' and dropoff_datetime >= '2025-11-02 02:00' then 60
            else 0
        end as trip_duration_minutes
    from unioned

),

kept as (

    select * from timed
    where
        dropoff_datetime is not null
        and pickup_datetime >= source_month - 2
        and pickup_datetime < source_month + interval 1 month + interval 2 day
        and trip_duration_minutes between 0 and 30 * 1440
        and is_repeated_ride is not true

)

select
    feed,
    source_month,
    trip_type,
    vendor_id,
    rate_code_id,
    payment_type_id,
    null::varchar as license_number,
    dispatching_base_number,
    case when pickup_location_id between 1 and 265 then pickup_location_id else 264 end as pickup_location_id,
    case when dropoff_location_id between 1 and 265 then dropoff_location_id else 264 end as dropoff_location_id,
    coalesce(start_station_id, 'unknown') as start_station_id,
    coalesce(end_station_id, 'unknown') as end_station_id,
    bike_type,
    rider_type,
    passenger_count,
    trip_distance,
    trip_duration_minutes,
    case when trip_distance > 0 and trip_duration_minutes > 0 then trip_distance / (trip_duration_minutes / 60) end
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
    pickup_hour,
    pickup_hour::date as pickup_date,
    date_trunc('month', pickup_hour)::date as pickup_month,
    pickup_hour_of_day,
    dropoff_datetime::date as dropoff_date,
    hour(dropoff_datetime)::integer as dropoff_hour_of_day
from kept
left join facts.hours as hours using (pickup_hour)
