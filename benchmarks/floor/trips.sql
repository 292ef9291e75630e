-- All trips of the raw rows with $condition, by hand: only the tables that have rows, clock changes looked up in a
-- calendar, ride ids counted by their hash before the few that repeat are looked at.
repeated_hashes as (
    select source_month, hash(trim(ride_id)) as ride_hash
    from raw_data.citibike_trips
    where $condition and ride_id is not null
    group by all
    having count(*) > 1
),

first_rides as (
    select source_month, trim(ride_id) as ride_id, min(source_row) as first_row
    from raw_data.citibike_trips
    where $condition and (source_month, hash(trim(ride_id))) in (from repeated_hashes)
    group by all
    having count(*) > 1
),

-- The station that bears a name in a month's file, for rides that name it without its id.
station_names as (
    select source_month, station_name, min(station_id) as station_id
    from (
        select source_month, trim(start_station_name) as station_name, case
            when start_station_id like '%._%' and regexp_matches(trim(start_station_id), '^[0-9]+[.][0-9]$$')
                then trim(start_station_id) || '0'
            else nullif(trim(start_station_id), '')
        end as station_id
        from raw_data.citibike_trips
        where $condition
            and started_at >= source_month - 2 and started_at < source_month + interval 1 month + interval 2 day
        union all
        select source_month, trim(end_station_name) as station_name, case
            when end_station_id like '%._%' and regexp_matches(trim(end_station_id), '^[0-9]+[.][0-9]$$')
                then trim(end_station_id) || '0'
            else nullif(trim(end_station_id), '')
        end as station_id
        from raw_data.citibike_trips
        where $condition
            and started_at >= source_month - 2 and started_at < source_month + interval 1 month + interval 2 day
    )
    where station_name <> '' and station_id is not null
    group by source_month, station_name
    having count(distinct station_id) = 1
),

unioned as (
    select
        'yellow_taxi' as trip_type, 1 as feed_code, feed, source_month, source_row, _dlt_load_id as load_id,
        vendor_id, ratecode_id as rate_code_id, payment_type as payment_type_id, null::varchar as dispatching_base_number,
        pu_location_id as pickup_location_id, do_location_id as dropoff_location_id, null::varchar as ride_id,
        null::varchar as start_station_id, null::varchar as end_station_id, null::varchar as bike_type,
        null::varchar as rider_type, passenger_count, trip_distance, fare_amount, tip_amount, tolls_amount,
        congestion_surcharge, cbd_congestion_fee, airport_fee, total_amount, false as is_repeated_ride,
        tpep_pickup_datetime as pickup_datetime, tpep_dropoff_datetime as dropoff_datetime
    from raw_data.yellow_taxi
    where $condition
    union all by name
    select
        'fhv' as trip_type, 3 as feed_code, feed, source_month, source_row, _dlt_load_id as load_id,
        trim(dispatching_base_num) as dispatching_base_number,
        pu_location_id as pickup_location_id, do_location_id as dropoff_location_id,
        pickup_datetime, dropoff_datetime
    from raw_data.fhv_taxi
    where $condition
    union all by name
    select
        'citibike' as trip_type, 5 as feed_code, feed, rides.source_month, source_row, _dlt_load_id as load_id,
        trim(rides.ride_id) as ride_id,
        coalesce(case
            when start_station_id like '%._%' and regexp_matches(trim(start_station_id), '^[0-9]+[.][0-9]$$')
                then trim(start_station_id) || '0'
            else nullif(trim(start_station_id), '')
        end, start_names.station_id) as start_station_id,
        coalesce(case
            when end_station_id like '%._%' and regexp_matches(trim(end_station_id), '^[0-9]+[.][0-9]$$')
                then trim(end_station_id) || '0'
            else nullif(trim(end_station_id), '')
        end, end_names.station_id) as end_station_id,
        nullif(trim(rideable_type), '') as bike_type,
        case lower(trim(member_casual))
            when 'subscriber' then 'member'
            when 'customer' then 'casual'
            else nullif(lower(trim(member_casual)), '')
        end as rider_type,
        source_row > coalesce(first_row, source_row) as is_repeated_ride,
        started_at as pickup_datetime, ended_at as dropoff_datetime
    from (from raw_data.citibike_trips where $condition) as rides
    left join first_rides
        on rides.source_month = first_rides.source_month and trim(rides.ride_id) = first_rides.ride_id
    left join station_names as start_names
        on rides.start_station_id is null and rides.source_month = start_names.source_month
        and trim(rides.start_station_name) = start_names.station_name
    left join station_names as end_names
        on rides.end_station_id is null and rides.source_month = end_names.source_month
        and trim(rides.end_station_name) = end_names.station_name
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

trips as (
    select
        *,
        case
            when pickup_datetime is null or dropoff_datetime is null then 'missing_times'
            when pickup_datetime < source_month - 2 or pickup_datetime >= source_month + interval 1 month + interval 2 day
                then 'pickup_outside_source_month'
            when trip_duration_minutes < 0 then 'dropoff_before_pickup'
            when trip_duration_minutes > 30 * 1440 then 'dropoff_long_after_pickup'
            when is_repeated_ride then 'repeated_ride_id'
        end as reason,
        feed_code * 1000000000000000
        + (year(source_month) * 100 + month(source_month)) * 1000000000 + source_row as trip_id
    from timed
)
