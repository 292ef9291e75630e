-- Per partition, every row that the ledger says was loaded is in raw data, every row of raw data is in fct_trips or in
-- quarantined_trips, and those have no others and none of another load.
with

loaded as (

    select
        feed,
        source_month,
        load_id,
        row_count
    from {{ ref('int_loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds('mobility', 'trip')) }}

),

published as (

    select
        feed,
        source_month,
        load_id,
        row_count
    from {{ ref('int_raw_partitions') }}
    where {{ is_feed_of('feed', registered_feeds('mobility', 'trip')) }}

),

held as (

    select
        feed,
        source_month,
        load_id,
        count(*) as row_count
    from {{ ref('fct_trips') }}
    group by feed, source_month, load_id
    union all
    select
        feed,
        source_month,
        load_id,
        count(*) as row_count
    from {{ ref('quarantined_trips') }}
    group by feed, source_month, load_id

),

held_partitions as (

    select
        feed,
        source_month,
        load_id,
        sum(row_count) as row_count
    from held
    group by feed, source_month, load_id

)

select
    coalesce(loaded.feed, published.feed, held_partitions.feed) as feed,
    coalesce(loaded.source_month, published.source_month, held_partitions.source_month) as source_month,
    coalesce(loaded.load_id, published.load_id, held_partitions.load_id) as load_id,
    loaded.row_count as loaded_rows,
    published.row_count as published_rows,
    held_partitions.row_count as held_rows
from loaded
full outer join published
    on loaded.feed = published.feed
    and loaded.source_month = published.source_month
    and loaded.load_id = published.load_id
full outer join held_partitions
    on published.feed = held_partitions.feed
    and published.source_month = held_partitions.source_month
    and published.load_id = held_partitions.load_id
where
    published.row_count is distinct from held_partitions.row_count
    or coalesce(loaded.row_count, 0) is distinct from coalesce(published.row_count, 0)
