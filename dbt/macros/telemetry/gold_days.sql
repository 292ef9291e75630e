{# For the configuration of a model whose partitions are days of events: partition_by. #}
{% macro event_date_partition() -%}
    {{ return([{'field': 'event_date', 'data_type': 'date', 'granularity': 'day'}]) }}
{%- endmacro %}

{# What every partition of int_pipeline_event_days is built from: its hour of silver. #}
{% macro expected_hours_of_days() -%}
    {{ held_hours('silver_pipeline_events') }}
{%- endmacro %}

{# The days that have events in silver. A day has a new version when an hour with events of it has one. #}
{% macro days_of_events() -%}
    select
        days.event_date,
        {{ dbt.hash(dbt.listagg(
            "days.feed || ' ' || " ~ dbt.cast('days.source_hour', dbt.type_string()) ~ " || ' ' || hours.version",
            "', '",
            'order by days.feed, days.source_hour'
        )) }} as version,
        cast(sum(days.event_count) as bigint) as row_count
    from {{ ref('int_pipeline_event_days') }} as days
    inner join ({{ held_hours('int_pipeline_event_days') }}) as hours
        on days.feed = hours.feed
        and days.source_hour = hours.source_hour
    group by days.event_date
{%- endmacro %}

{# What every partition of gold_pipeline_outages is built from: the events of its day and of all days before. #}
{% macro expected_outage_days() -%}
    select
        event_date,
        {{ version_with_all_before('event_date', 'version') }} as version,
        cast(null as {{ dbt.type_string() }}) as load_id,
        row_count
    from ({{ days_of_events() }}) as days
{%- endmacro %}

{#
    What every partition of gold_pipeline_metrics is built from: the outages that ended on its day, whose version changes
    with the events of the day, too.
#}
{% macro expected_metric_days() -%}
    {%- do require_watermarks_of(ref('gold_pipeline_outages')) -%}
    select
        days.event_date,
        outages.version,
        cast(null as {{ dbt.type_string() }}) as load_id,
        days.row_count
    from ({{ days_of_events() }}) as days
    inner join {{ asset_watermarks() }} as outages
        on
            outages.asset = '{{ ref('gold_pipeline_outages').identifier }}'
            and days.event_date = cast(outages.period_start as date)
{%- endmacro %}

{#
    In which order the runs of a pipeline count that end at the same time: failures before successes, so that they are
    made good by them; then by the id of the event, and by its feed, which has no id twice.
#}
{% macro run_order() %}{{ return("event_time, status, event_id, feed") }}{% endmacro %}
