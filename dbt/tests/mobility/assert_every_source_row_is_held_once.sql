{{ config(meta={'dagster': {'ref': {'name': 'fct_trips'}}}) }}
{#-
    The key of a trip is unique: the positions in a partition's file are 0, 1, … n - 1, each once. This compares their
    count, bounds, sum and sum of squares. A repeated position changes these unless several others are wrong in a way
    that makes up for it. Sorting or hashing tens of millions of keys on every run would be too slow.
-#}
with

held as (

    select
        feed,
        source_month,
        trip_id % 1000000000 as source_row
    from {{ ref('fct_trips') }}
    union all
    select
        feed,
        source_month,
        trip_id % 1000000000 as source_row
    from {{ ref('quarantined_trips') }}

),

partitions as (

    select
        feed,
        source_month,
        cast(count(*) as decimal(38, 0)) as row_count,
        min(source_row) as first_row,
        max(source_row) as last_row,
        {{ sum_of_integers('source_row') }} as sum_of_rows,
        {{ sum_of_integers('source_row * source_row') }} as sum_of_squares
    from held
    group by feed, source_month

)

select *
from partitions
where
    first_row <> 0
    or last_row <> row_count - 1
    or 2 * sum_of_rows <> row_count * (row_count - 1)
    or 6 * sum_of_squares <> row_count * (row_count - 1) * (2 * row_count - 1)
