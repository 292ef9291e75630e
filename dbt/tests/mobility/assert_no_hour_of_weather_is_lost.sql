-- Per month of weather, the rows that the ledger says were loaded are in raw data, and each hour of the month has its
-- row in dim_weather: files hold hours beside their month, which are their neighbours'.
with

loaded as (

    select
        source_month,
        row_count
    from {{ ref('int_loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds('mobility', 'weather_hour')) }}

),

hours as (

    select
        source_month,
        case when {{ month_start('hour_timestamp') }} = source_month then hour_timestamp end as hour_of_own_month
    from {{ ref('stg_weather__hourly') }}

),

published as (

    select
        source_month,
        count(*) as row_count,
        count(distinct hour_of_own_month) as hour_count
    from hours
    group by source_month

),

held as (

    select
        source_month,
        count(*) as hour_count
    from {{ ref('dim_weather') }}
    where has_weather
    group by source_month

)

select
    coalesce(loaded.source_month, published.source_month, held.source_month) as source_month,
    loaded.row_count as loaded_rows,
    published.row_count as published_rows,
    published.hour_count as published_hours,
    held.hour_count as held_hours
from loaded
full outer join published
    on loaded.source_month = published.source_month
full outer join held
    on published.source_month = held.source_month
where
    coalesce(loaded.row_count, 0) is distinct from coalesce(published.row_count, 0)
    or coalesce(published.hour_count, 0) is distinct from coalesce(held.hour_count, 0)
