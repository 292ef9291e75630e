{{
    config(
        materialized='incremental',
        incremental_strategy='replace_partitions',
        on_schema_change='fail',
        meta={
            'partition_columns': {'feed': 'varchar', 'source_month': 'date'},
            'version_column': 'source_version',
            'backfill_column': 'source_month',
        },
    )
}}
{%- set partitions = partitions_to_build(expected_quarantine_partitions()) %}

with

trips as (

    {{ rows_of_partitions(ref('int_trips'), partitions) }}

),

versions as (

    {{ partition_versions(partitions) }}

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
        versions.source_version,
        trips.quarantine_reason as reason,
        trips.trip_distance,
        trips.total_amount,
        trips.pickup_datetime,
        trips.dropoff_datetime
    from trips
    inner join versions
        on trips.feed = versions.feed
        and trips.source_month = versions.source_month
    where trips.quarantine_reason is not null

)

select * from quarantined
