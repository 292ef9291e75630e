{{
    config(
        materialized='incremental',
        incremental_strategy='replace_partitions',
        on_schema_change='fail',
        event_time='pickup_date',
        meta={'partition_columns': {'feed': 'varchar', 'source_month': 'date'}},
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
