{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_month(),
        event_time='last_seen_at',
    )
}}
{%- set partitions = partitions_to_build(expected_station_partitions()) %}

with

rides as (

    {{ rows_of_partitions(ref('stg_citibike__trips'), partitions) }}

),

-- Every ride that may be in fct_trips, so that each of its stations is here.
rides_of_month as (

    select * from rides
    where not {{ is_outside_source_month('pickup_datetime') }}

),

sightings as (

    select
        feed,
        source_month,
        start_station_id as station_id,
        start_station_name as station_name,
        start_latitude as latitude,
        start_longitude as longitude,
        pickup_datetime as seen_at
    from rides_of_month
    where start_station_id is not null
    union all
    select
        feed,
        source_month,
        end_station_id as station_id,
        end_station_name as station_name,
        end_latitude as latitude,
        end_longitude as longitude,
        pickup_datetime as seen_at
    from rides_of_month
    where end_station_id is not null

),

stations as (

    select
        sightings.feed,
        sightings.source_month,
        sightings.station_id,
        max(sightings.station_name) as station_name,
        nullif(min(sightings.station_name), max(sightings.station_name)) as other_station_name,
        {{ median('sightings.latitude') }} as latitude,
        {{ median('sightings.longitude') }} as longitude,
        count(*) as sighting_count,
        min(sightings.seen_at) as first_seen_at,
        max(sightings.seen_at) as last_seen_at
    from sightings
    group by sightings.feed, sightings.source_month, sightings.station_id

)

select * from stations
