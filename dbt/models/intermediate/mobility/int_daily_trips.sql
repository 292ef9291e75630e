{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_month(),
        event_time='pickup_date',
    )
}}
{%- set partitions = partitions_to_build(held_trip_partitions()) %}

with

trips as (

    {{ rows_of_partitions(ref('fct_trips'), partitions) }}

),

daily as (

    select
        feed,
        source_month,
        pickup_date,
        count(*) as trip_count
    from trips
    group by feed, source_month, pickup_date

)

select * from daily
