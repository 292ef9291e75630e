{# The md5 of columns, as dbt_utils makes it. #}
{% macro surrogate_key(columns) -%}
    md5(
        {%- for column in columns -%}
            coalesce(cast({{ column }} as varchar), '_null_') {{- " || '-' || " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}
