{{ config(meta={'dagster': {'ref': {'name': 'fct_trips'}}}) }}
-- The watermarks of the facts, which tell what has changed, agree with the rows.
with

watermarks as (

    select
        asset,
        feed,
        cast(period_start as date) as source_month,
        rows as row_count
    from {{ source('meta', 'asset_watermarks') }}
    where asset in ('fct_trips', 'quarantined_trips', 'int_daily_trips', 'fct_hourly_mobility') and rows > 0

),

held as (

    select
        'fct_trips' as asset,
        feed,
        source_month,
        count(*) as row_count
    from {{ ref('fct_trips') }}
    group by feed, source_month
    union all
    select
        'quarantined_trips' as asset,
        feed,
        source_month,
        count(*) as row_count
    from {{ ref('quarantined_trips') }}
    group by feed, source_month
    union all
    select
        'int_daily_trips' as asset,
        feed,
        source_month,
        count(*) as row_count
    from {{ ref('int_daily_trips') }}
    group by feed, source_month
    union all
    select
        'fct_hourly_mobility' as asset,
        cast(null as {{ dbt.type_string() }}) as feed,
        pickup_month as source_month,
        count(*) as row_count
    from {{ ref('fct_hourly_mobility') }}
    group by pickup_month

)

select
    coalesce(watermarks.asset, held.asset) as asset,
    coalesce(watermarks.feed, held.feed) as feed,
    coalesce(watermarks.source_month, held.source_month) as source_month,
    watermarks.row_count as recorded_rows,
    held.row_count as held_rows
from watermarks
full outer join held
    on watermarks.asset = held.asset
    and watermarks.feed is not distinct from held.feed
    and watermarks.source_month = held.source_month
where watermarks.row_count is distinct from held.row_count
