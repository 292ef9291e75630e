{#
    The period that starts at a value of the time field: its `start`, its `end` (exclusive), both as text, and its `key`
    as warehouse/periods.py writes it: 2025-01, 2025-01-03 or 2025-01-03T04.
#}
{% macro period_of(value, granularity) -%}
    {%- set start = modules.datetime.datetime.fromisoformat(value) -%}
    {%- if granularity == 'month' -%}
        {%- set end = (start.replace(day=1) + modules.datetime.timedelta(days=32)).replace(day=1) -%}
    {%- elif granularity == 'day' -%}
        {%- set end = start + modules.datetime.timedelta(days=1) -%}
    {%- else -%}
        {%- set end = start + modules.datetime.timedelta(hours=1) -%}
    {%- endif -%}
    {%- set form = {'month': '%Y-%m', 'day': '%Y-%m-%d', 'hour': '%Y-%m-%dT%H'}[granularity] -%}
    {{ return({'start': start | string, 'end': end | string, 'key': start.strftime(form)}) }}
{%- endmacro %}

{#
    The key of a partition, as warehouse/periods.py writes it: FEED/2025-01, or 2025-01 where there is no feed. `settings`
    are those of replace_partitions_config, which takes long to ask for each of thousands of partitions.
#}
{% macro key_of_partition(partition, settings) -%}
    {%- set period = period_of(partition[settings.time.field], settings.time.granularity) -%}
    {{ return(partition[settings.feed.field] ~ '/' ~ period.key if settings.feed else period.key) }}
{%- endmacro %}
