{# For the configuration of a model whose partitions are those of the monthly files: partition_by. #}
{% macro feed_and_source_month() -%}
    {{ return([
        {'field': 'feed', 'data_type': 'varchar'},
        {'field': 'source_month', 'data_type': 'date', 'granularity': 'month'},
    ]) }}
{%- endmacro %}

{# Whether a time is more than two days outside the month of the row's file: such a trip is not of this file. #}
{% macro is_outside_source_month(timestamp) -%}
    (
        {{ timestamp }} < {{ add_days('source_month', -2) }}
        or {{ timestamp }} >= {{ add_days(add_months('source_month', 1), 2) }}
    )
{%- endmacro %}
