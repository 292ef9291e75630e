with

trips as (

    select * from {{ ref('stg_citibike__trips') }}

),

station_names as (

    select * from {{ ref('int_station_names') }}

),

flagged as (

    select
        *,
        -- Partitioned by feed and month first, so that conditions on those reach the scan.
        -- Rides of before 2021-02 have no id.
        ride_id is not null
        and source_row > min(source_row) over (partition by feed, source_month, ride_id) as is_repeated_ride,
        case when start_station_id is null then start_station_name end as start_name_without_id,
        case when end_station_id is null then end_station_name end as end_name_without_id
    from trips

),

-- A station that a ride names without its id is the one that bears the name in the ride's own file.
located as (

    select
        flagged.trip_id,
        flagged.feed,
        flagged.source_month,
        flagged.source_row,
        flagged.load_id,
        flagged.trip_type,
        flagged.ride_id,
        coalesce(flagged.start_station_id, start_names.station_id) as start_station_id,
        flagged.start_station_name,
        coalesce(flagged.end_station_id, end_names.station_id) as end_station_id,
        flagged.end_station_name,
        flagged.bike_type,
        flagged.rider_type,
        flagged.start_latitude,
        flagged.start_longitude,
        flagged.end_latitude,
        flagged.end_longitude,
        flagged.pickup_datetime,
        flagged.dropoff_datetime,
        flagged.is_repeated_ride
    from flagged
    left join station_names as start_names
        on flagged.feed = start_names.feed
        and flagged.source_month = start_names.source_month
        and flagged.start_name_without_id = start_names.station_name
    left join station_names as end_names
        on flagged.feed = end_names.feed
        and flagged.source_month = end_names.source_month
        and flagged.end_name_without_id = end_names.station_name

)

select * from located
