{# Whether a time is more than two days outside the month of the row's file: such a trip is not of this file. #}
{% macro is_outside_source_month(timestamp) -%}
    (
        {{ timestamp }} < {{ add_days('source_month', -2) }}
        or {{ timestamp }} >= {{ add_days(add_months('source_month', 1), 2) }}
    )
{%- endmacro %}
