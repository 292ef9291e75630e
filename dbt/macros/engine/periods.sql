{# The key of a period, as warehouse/periods.py writes it, from its start: `2025-01`, `2025-01-03`, `2025-01-03T04`. #}
{% macro period_key(start, grain) -%}
    {%- set text = dbt.cast(start, dbt.type_string()) -%}
    {%- set length = {'month': 7, 'day': 10, 'hour': 13}[grain] -%}
    {%- set key = "substring(" ~ text ~ ", 1, " ~ length ~ ")" -%}
    {{ return(dbt.replace(key, "' '", "'T'") if grain == 'hour' else key) }}
{%- endmacro %}

{# The start of a period, from its key and a column with its grain. #}
{% macro period_start(key, grain) -%}
    cast(
        {{ key }} || case {{ grain }} when 'month' then '-01' when 'hour' then ':00' else '' end as timestamp
    )
{%- endmacro %}
