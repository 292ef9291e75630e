{#
    What every trip partition of fct_trips is built from: its own load and those of the weather months that its
    trips can meet, so that weather loaded later, or again, has exactly these partitions built again.
#}
{% macro expected_trip_partitions() -%}
    with partitions as (
        select feed, source_month, load_id
        from {{ ref('int_raw_partitions') }}
    )

    select
        trips.feed,
        trips.source_month,
        trips.load_id || ' weather '
        || coalesce({{ ordered_list('weather.load_id', ' ', 'weather.source_month') }}, 'none') as source_version
    from partitions as trips
    left join partitions as weather
        on weather.feed = 'weather'
        and weather.source_month between {{ add_months('trips.source_month', -1) }}
        and {{ add_months('trips.source_month', 1) }}
    where {{ is_trip_feed('trips.feed') }}
    group by trips.feed, trips.source_month, trips.load_id
{%- endmacro %}

{#
    Partitions of quarantined_trips that must have rows, for fct_trips has fewer than raw data. The count is part of
    the version: it changes with the rules, too. Partitions without rejected rows are not expected, so not read again.
#}
{% macro expected_quarantine_partitions() -%}
    with kept as (
        select feed, source_month, count(*) as row_count
        from {{ ref('fct_trips') }}
        group by feed, source_month
    )

    select
        published.feed,
        published.source_month,
        published.load_id || ' rows ' || (published.row_count - coalesce(kept.row_count, 0)) as source_version
    from {{ ref('int_raw_partitions') }} as published
    left join kept
        on published.feed = kept.feed
        and published.source_month = kept.source_month
    where
        {{ is_trip_feed('published.feed') }}
        and published.row_count > coalesce(kept.row_count, 0)
{%- endmacro %}

{#
    Months of fct_hourly_mobility: built from every partition of fct_trips that has pickups in the month, so that
    months at whose edge a neighbouring file spills over follow that file, too.
#}
{% macro expected_mobility_months() -%}
    with contributions as (
        select distinct pickup_month, feed, source_month, source_version
        from {{ ref('fct_trips') }}
    )

    select
        pickup_month,
        md5({{ ordered_list("feed || ' ' || source_month || ' ' || source_version", "; ", "feed, source_month") }})
            as source_version
    from contributions
    group by pickup_month
{%- endmacro %}
