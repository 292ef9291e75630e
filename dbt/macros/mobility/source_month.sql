{# For the configuration of a model whose partitions are those of the monthly files: partition_by. #}
{% macro feed_and_source_month() -%}
    {{ return([
        {'field': 'feed', 'data_type': 'varchar'},
        {'field': 'source_month', 'data_type': 'date', 'granularity': 'month'},
    ]) }}
{%- endmacro %}

{# Whether a time is more than two days outside the month of the row's file. Such a trip does not belong to the file. #}
{% macro is_outside_source_month(timestamp) -%}
    (
        {{ timestamp }} < {{ dbt.dateadd('day', -2, 'source_month') | trim }}
        or {{ timestamp }} >= {{ dbt.dateadd('day', 2, dbt.dateadd('month', 1, 'source_month') | trim) | trim }}
    )
{%- endmacro %}
