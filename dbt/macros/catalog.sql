{# Written by `python -m ingestion.dbt_catalog` from the catalog of feeds. Do not edit. #}

{#
    The registered feeds, in order: all, or those of a subject, kind, raw table or staging model. `kind` is what a row
    is; `code` is the feed's number in surrogate keys; `kept_in` and `quarantined_in` are the models that hold its rows.
#}
{% macro registered_feeds(subject=none, kind=none, raw_table=none, staging_model=none) -%}
    {%- set feeds = [
        {
            'subject': 'mobility',
            'feed': 'yellow',
            'kind': 'trip',
            'code': 1,
            'raw_table': 'yellow_taxi',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': 'tpep_pickup_datetime',
            'staging_model': 'stg_tlc__yellow_taxi',
            'kept_in': 'fct_trips',
            'quarantined_in': 'quarantined_trips',
        },
        {
            'subject': 'mobility',
            'feed': 'green',
            'kind': 'trip',
            'code': 2,
            'raw_table': 'green_taxi',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': 'lpep_pickup_datetime',
            'staging_model': 'stg_tlc__green_taxi',
            'kept_in': 'fct_trips',
            'quarantined_in': 'quarantined_trips',
        },
        {
            'subject': 'mobility',
            'feed': 'fhv',
            'kind': 'trip',
            'code': 3,
            'raw_table': 'fhv_taxi',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': 'pickup_datetime',
            'staging_model': 'stg_tlc__fhv_taxi',
            'kept_in': 'fct_trips',
            'quarantined_in': 'quarantined_trips',
        },
        {
            'subject': 'mobility',
            'feed': 'hvfhv',
            'kind': 'trip',
            'code': 4,
            'raw_table': 'hvfhv_taxi',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': 'pickup_datetime',
            'staging_model': 'stg_tlc__hvfhv_taxi',
            'kept_in': 'fct_trips',
            'quarantined_in': 'quarantined_trips',
        },
        {
            'subject': 'mobility',
            'feed': 'citibike',
            'kind': 'trip',
            'code': 5,
            'raw_table': 'citibike_trips',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': 'started_at',
            'staging_model': 'stg_citibike__trips',
            'kept_in': 'fct_trips',
            'quarantined_in': 'quarantined_trips',
        },
        {
            'subject': 'mobility',
            'feed': 'citibike_jc',
            'kind': 'trip',
            'code': 6,
            'raw_table': 'citibike_trips',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': 'started_at',
            'staging_model': 'stg_citibike__trips',
            'kept_in': 'fct_trips',
            'quarantined_in': 'quarantined_trips',
        },
        {
            'subject': 'mobility',
            'feed': 'weather',
            'kind': 'weather_hour',
            'code': none,
            'raw_table': 'weather_hourly',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': 'time',
            'staging_model': 'stg_weather__hourly',
            'kept_in': 'dim_weather',
            'quarantined_in': 'int_weather_rows_set_aside',
        },
        {
            'subject': 'mobility',
            'feed': 'taxi_zones',
            'kind': 'zone_shape',
            'code': none,
            'raw_table': 'taxi_zone_shapes',
            'grain': 'month',
            'period_column': 'source_month',
            'event_time': none,
            'staging_model': 'stg_tlc__taxi_zones',
            'kept_in': 'int_zone_shapes',
            'quarantined_in': none,
        },
    ] -%}
    {%- set chosen = [] -%}
    {%- for feed in feeds
        if subject in (none, feed.subject)
        and kind in (none, feed.kind)
        and raw_table in (none, feed.raw_table)
        and staging_model in (none, feed.staging_model)
    -%}
        {%- do chosen.append(feed) -%}
    {%- endfor -%}
    {{ return(chosen) }}
{%- endmacro %}
