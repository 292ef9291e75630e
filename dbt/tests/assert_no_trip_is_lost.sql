-- Per partition, every row of raw data is in fct_trips or in quarantined_trips, and those have no others.
with

published as (

    select
        feed,
        source_month,
        row_count
    from {{ ref('int_raw_partitions') }}
    where {{ is_trip_feed('feed') }}

),

held as (

    select
        feed,
        source_month,
        count(*) as row_count
    from {{ ref('fct_trips') }}
    group by feed, source_month
    union all
    select
        feed,
        source_month,
        count(*) as row_count
    from {{ ref('quarantined_trips') }}
    group by feed, source_month

),

held_partitions as (

    select
        feed,
        source_month,
        sum(row_count) as row_count
    from held
    group by feed, source_month

)

select
    coalesce(published.feed, held_partitions.feed) as feed,
    coalesce(published.source_month, held_partitions.source_month) as source_month,
    published.row_count as published_rows,
    held_partitions.row_count as held_rows
from published
full outer join held_partitions
    on published.feed = held_partitions.feed
    and published.source_month = held_partitions.source_month
where published.row_count is distinct from held_partitions.row_count
