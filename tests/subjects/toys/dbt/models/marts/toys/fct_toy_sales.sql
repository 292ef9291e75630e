{{
    config(
        materialized='replace_partitions',
        partition_by=[
            {'field': 'feed', 'data_type': 'varchar'},
            {'field': 'source_date', 'data_type': 'date', 'granularity': 'day'},
        ],
        event_time='sold_at',
    )
}}
{%- set expected %}
    select feed, cast(period_start as date) as source_date, version, load_id, row_count
    from {{ ref('loaded_partitions') }}
    where subject = 'toys'
{%- endset %}
{%- set partitions = partitions_to_build(expected) %}

with

sales as (

    {{ rows_of_partitions(ref('stg_toys__sales'), partitions) }}

),

kept as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        toy,
        price,
        sold_at
    from sales
    where quarantine_reason is null

)

select * from kept
