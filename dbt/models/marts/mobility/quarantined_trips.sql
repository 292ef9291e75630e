{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_month(),
        event_time='pickup_datetime',
    )
}}
-- depends_on: {{ ref('fct_trips') }}
{%- set partitions = partitions_to_build(expected_quarantine_partitions()) %}

with

trips as (

    {{ rows_of_partitions(ref('int_trips'), partitions) }}

),

quarantined as (

    select
        trips.trip_id,
        trips.feed,
        trips.source_month,
        trips.source_row,
        trips.trip_type,
        trips.ride_id,
        trips.pickup_location_id,
        trips.dropoff_location_id,
        trips.load_id,
        trips.quarantine_reason as reason,
        trips.trip_distance,
        trips.total_amount,
        trips.pickup_datetime,
        trips.dropoff_datetime
    from trips
    where trips.quarantine_reason is not null

)

select * from quarantined
