{#
    Models whose partitions are those of the published files: a feed and a day, or a feed and an hour. Each is built
    from the load of its file.
#}

{# For the configuration of such a model: partition_by. #}
{% macro feed_and_source_date() -%}
    {{ return(feed_and_period('source_date', 'date', 'day')) }}
{%- endmacro %}

{% macro feed_and_source_hour() -%}
    {{ return(feed_and_period('source_hour', 'timestamp', 'hour')) }}
{%- endmacro %}

{% macro feed_and_period(column, data_type, granularity) -%}
    {{ return([
        {'field': 'feed', 'data_type': 'varchar'},
        {'field': column, 'data_type': data_type, 'granularity': granularity},
    ]) }}
{%- endmacro %}

{# The partitions that are loaded of the feeds of a staging model. Each is built from its own load. #}
{% macro loaded_days(staging_model) -%}
    {{ return(loaded_periods(staging_model, 'source_date', 'date')) }}
{%- endmacro %}

{% macro loaded_hours(staging_model) -%}
    {{ return(loaded_periods(staging_model, 'source_hour', 'timestamp')) }}
{%- endmacro %}

{% macro loaded_periods(staging_model, column, data_type) -%}
    select feed, cast(period_start as {{ data_type }}) as {{ column }}, version, load_id, row_count
    from {{ ref('loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds(staging_model=staging_model)) }}
{%- endmacro %}

{#
    Partitions of which rows must be in quarantine, because the model that keeps them has fewer than are loaded. The
    count is part of the version, because it changes when the rules change. Others are not read at all.
#}
{% macro days_with_rejected_rows(staging_model, kept_in) -%}
    {{ return(periods_with_rejected_rows(loaded_days(staging_model), kept_in, 'source_date')) }}
{%- endmacro %}

{% macro hours_with_rejected_rows(staging_model, kept_in) -%}
    {{ return(periods_with_rejected_rows(loaded_hours(staging_model), kept_in, 'source_hour')) }}
{%- endmacro %}

{% macro periods_with_rejected_rows(loaded, kept_in, column) -%}
    {%- do require_watermarks_of(ref(kept_in)) -%}
    select
        published.feed,
        published.{{ column }},
        kept.version || ' rows ' || (published.row_count - kept.rows) as version,
        published.load_id,
        published.row_count
    from ({{ loaded }}) as published
    inner join {{ asset_watermarks() }} as kept
        on kept.asset = '{{ ref(kept_in).identifier }}'
        and published.feed = kept.feed
        and published.{{ column }} = kept.period_start
    where published.row_count > kept.rows
{%- endmacro %}

{# The partitions that a model of daily files holds, as its watermarks say: for what is built from it. #}
{% macro held_days(model_name) -%}
    {{ return(held_periods(model_name, 'source_date', 'date')) }}
{%- endmacro %}

{% macro held_hours(model_name) -%}
    {{ return(held_periods(model_name, 'source_hour', 'timestamp')) }}
{%- endmacro %}

{% macro held_periods(model_name, column, data_type) -%}
    {%- do require_watermarks_of(ref(model_name)) -%}
    select feed, cast(period_start as {{ data_type }}) as {{ column }}, version, load_id, rows as row_count
    from {{ asset_watermarks() }}
    where asset = '{{ ref(model_name).identifier }}'
{%- endmacro %}
