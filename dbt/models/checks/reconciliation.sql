{#-
    Rows are counted in the tables, because the tables are what is checked: a watermark would not notice a row that was
    deleted. The loads of its rows tell whether a partition is built. Where a partition has no rows, or is of a stream
    and its rows of many loads, its watermark tells.
-#}
with

feeds as (

    {{ feeds_of_catalog() }}
),

loaded as (

    select * from {{ ref('loaded_partitions') }}

),

watermarks as (

    select * from {{ source('meta', 'asset_watermarks') }}

),

raw_partitions as (

    select * from {{ ref('int_raw_partitions') }}

),

held_by_load as (

    {{ held_partitions('kept_in') }}
    union all
    {{ held_partitions('quarantined_in') }}
),

held as (

    select
        feed,
        partition_key,
        sum(kept) as kept,
        sum(quarantined) as quarantined,
        min(load_id) as first_load_id,
        max(load_id) as last_load_id
    from held_by_load
    group by feed, partition_key

),

partitions as (

    select
        feed,
        partition_key
    from loaded
    union distinct
    select
        feed,
        partition_key
    from raw_partitions
    union distinct
    select
        feed,
        partition_key
    from held

),

built as (

    select
        asset,
        feed,
        period_start,
        load_id
    from watermarks
    where source_url is null

),

counted as (

    select
        feeds.subject,
        feeds.kind,
        feeds.feed,
        feeds.grain,
        feeds.is_stream,
        partitions.partition_key,
        {{ period_start('partitions.partition_key', 'feeds.grain') }} as period_start,
        loaded.load_id,
        feeds.kept_in,
        feeds.quarantined_in,
        feeds.kept_in_asset,
        coalesce(loaded.row_count, 0) as published,
        coalesce(raw_partitions.row_count, 0) as in_raw_data,
        cast(coalesce(held.kept, 0) as bigint) as kept,
        cast(coalesce(held.quarantined, 0) as bigint) as quarantined,
        coalesce(held.first_load_id = loaded.load_id, true)
        and coalesce(held.last_load_id = loaded.load_id, true) as is_of_this_load
    from partitions
    inner join feeds
        on partitions.feed = feeds.feed
    left join loaded
        on partitions.feed = loaded.feed
        and partitions.partition_key = loaded.partition_key
    left join raw_partitions
        on partitions.feed = raw_partitions.feed
        and partitions.partition_key = raw_partitions.partition_key
    left join held
        on partitions.feed = held.feed
        and partitions.partition_key = held.partition_key

),

judged as (

    select
        counted.*,
        counted.load_id is not null
        and counted.is_of_this_load
        and (
            (counted.kept > 0 and not counted.is_stream) or coalesce(built.load_id = counted.load_id, false)
        ) as is_built
    from counted
    left join built
        on counted.kept_in_asset = built.asset
        and counted.feed = coalesce(built.feed, counted.feed)
        and counted.period_start = built.period_start

),

reconciled as (

    select
        subject,
        kind,
        feed,
        grain,
        is_stream,
        partition_key,
        period_start,
        load_id,
        kept_in,
        quarantined_in,
        published,
        in_raw_data,
        kept,
        quarantined,
        case
            when is_built then 0
            -- Messages come to those that are there.
            when is_stream then greatest(published - kept - quarantined, 0)
            else published
        end as not_built,
        case when is_built then published - kept - quarantined else 0 end as lost,
        is_built
    from judged

)

select * from reconciled
