{%- set trips = registered_feeds('mobility', 'trip') -%}
{%- set weather = registered_feeds('mobility', 'weather_hour') -%}
{{ config(severity='warn', store_failures_as='view') }}
-- Names the months whose trips are loaded and whose weather is not. Questions about weather leave them out.
with

loaded as (

    select
        feed,
        source_month
    from {{ ref('int_loaded_partitions') }}

),

months as (

    select
        source_month,
        count(case when {{ is_feed_of('feed', trips) }} then 1 end) as trip_feeds,
        count(case when {{ is_feed_of('feed', weather) }} then 1 end) as weather_feeds
    from loaded
    group by source_month

)

select source_month as month_without_weather
from months
where trip_feeds > 0 and weather_feeds = 0
order by source_month
