{#
    What every partition of fct_trips is built from: its own load, the loads of the weather of its month and the two
    around it, and for rides the load that gave the names of the stations. So weather that is loaded late or again
    rebuilds exactly the partitions whose trips can have it.
#}
{% macro expected_trip_partitions() -%}
    with partitions as (
        select feed, source_month, load_id, row_count
        from {{ ref('int_loaded_partitions') }}
    )

    select
        trips.feed,
        trips.source_month,
        trips.load_id || ' weather '
        || coalesce({{ dbt.listagg('weather.load_id', "' '", 'order by weather.source_month') }}, 'none')
        || coalesce(' stations ' || stations.version, '') as version,
        trips.load_id,
        trips.row_count
    from partitions as trips
    left join ({{ held_station_partitions() }}) as stations
        on trips.feed = stations.feed
        and trips.source_month = stations.source_month
    left join partitions as weather
        on {{ is_feed_of('weather.feed', registered_feeds('mobility', 'weather_hour')) }}
        and weather.source_month between {{ add_months('trips.source_month', -1) }}
        and {{ add_months('trips.source_month', 1) }}
    where {{ is_feed_of('trips.feed', registered_feeds('mobility', 'trip')) }}
    group by trips.feed, trips.source_month, trips.load_id, trips.row_count, stations.version
{%- endmacro %}

{# What every partition of int_station_months is built from: the load of the rides. #}
{% macro expected_station_partitions() -%}
    select feed, source_month, load_id as version, load_id, row_count
    from {{ ref('int_loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds(staging_model='stg_citibike__trips')) }}
{%- endmacro %}

{# The partitions that int_station_months holds. They are of the loads of the rides, unless it alone was not built. #}
{% macro held_station_partitions() -%}
    select
        feed,
        cast(period_start as date) as source_month,
        version
    from {{ asset_watermarks() }}
    where asset = '{{ ref('int_station_months').identifier }}'
{%- endmacro %}

{#
    Partitions of quarantined_trips that must have rows, because fct_trips has fewer than raw data. The count is part of
    the version, because it changes when the rules change. Partitions without rejected rows are not read at all.
#}
{% macro expected_quarantine_partitions() -%}
    {%- do require_watermarks_of(ref('fct_trips')) -%}
    select
        published.feed,
        published.source_month,
        published.load_id || ' rows ' || (published.row_count - kept.row_count) as version,
        published.load_id,
        published.row_count
    from {{ ref('int_loaded_partitions') }} as published
    inner join ({{ trip_partitions() }}) as kept
        on published.feed = kept.feed
        and published.source_month = kept.source_month
    where published.row_count > kept.row_count
{%- endmacro %}

{# What every partition of int_daily_trips is built from: that of fct_trips. #}
{% macro held_trip_partitions() -%}
    {%- do require_watermarks_of(ref('fct_trips')) -%}
    select feed, source_month, version, load_id, row_count
    from ({{ trip_partitions() }}) as partitions
{%- endmacro %}

{#
    Months of fct_hourly_mobility. Each is built from every partition of fct_trips that has pickups in the month, also
    from a neighbouring file whose trips reach into it.
#}
{% macro expected_mobility_months() -%}
    {%- do require_watermarks_of(ref('fct_trips')) -%}
    {%- set contribution = "feed || ' ' || source_month || ' ' || version" -%}
    with contributions as (
        select
            partitions.feed,
            partitions.source_month,
            partitions.version,
            case when neighbours.months = 0 then partitions.row_count end as row_count,
            {{ add_months('partitions.source_month', 'neighbours.months') }} as pickup_month
        from ({{ trip_partitions() }}) as partitions
        cross join (values (-1), (0), (1)) as neighbours (months)
        where
            {{ add_months('partitions.source_month', 'neighbours.months') }}
            between {{ month_start('partitions.min_event_time') }} and {{ month_start('partitions.max_event_time') }}
    )

    select
        pickup_month,
        {{ dbt.hash(dbt.listagg(contribution, "'; '", "order by feed, source_month")) }} as version,
        -- A month's rows are of several loads.
        cast(null as {{ dbt.type_string() }}) as load_id,
        coalesce(sum(row_count), 0) as row_count
    from contributions
    group by pickup_month
{%- endmacro %}

{# The partitions that fct_trips holds, as its watermarks say. #}
{% macro trip_partitions() -%}
    select
        feed,
        cast(period_start as date) as source_month,
        version,
        load_id,
        rows as row_count,
        min_event_time,
        max_event_time
    from {{ asset_watermarks() }}
    where asset = '{{ ref('fct_trips').identifier }}'
{%- endmacro %}
