{# For the configuration of a model whose partitions are those of the daily files: partition_by. #}
{% macro feed_and_source_date() -%}
    {{ return([
        {'field': 'feed', 'data_type': 'varchar'},
        {'field': 'source_date', 'data_type': 'date', 'granularity': 'day'},
    ]) }}
{%- endmacro %}

{# The partitions that are loaded of the feeds of a staging model. Each is built from its own load. #}
{% macro loaded_days(staging_model) -%}
    select feed, cast(period_start as date) as source_date, version, load_id, row_count
    from {{ ref('loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds(staging_model=staging_model)) }}
{%- endmacro %}

{#
    Partitions of which rows must be in quarantine, because the model that keeps them has fewer than are loaded. The
    count is part of the version, because it changes when the rules change. Others are not read at all.
#}
{% macro days_with_rejected_rows(staging_model, kept_in) -%}
    {%- do require_watermarks_of(ref(kept_in)) -%}
    select
        published.feed,
        published.source_date,
        kept.version || ' rows ' || (published.row_count - kept.rows) as version,
        published.load_id,
        published.row_count
    from ({{ loaded_days(staging_model) }}) as published
    inner join {{ asset_watermarks() }} as kept
        on kept.asset = '{{ ref(kept_in).identifier }}'
        and published.feed = kept.feed
        and published.source_date = cast(kept.period_start as date)
    where published.row_count > kept.rows
{%- endmacro %}

{# The partitions that a model of daily files holds, as its watermarks say: for what is built from it. #}
{% macro held_days(model_name) -%}
    {%- do require_watermarks_of(ref(model_name)) -%}
    select feed, cast(period_start as date) as source_date, version, load_id, rows as row_count
    from {{ asset_watermarks() }}
    where asset = '{{ ref(model_name).identifier }}'
{%- endmacro %}
