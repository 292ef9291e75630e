{# Whether a double is a number: neither NaN nor infinite. Null where it is missing. #}
{% macro is_finite(number) %}{{ return(adapter.dispatch('is_finite')(number)) }}{% endmacro %}
{% macro default__is_finite(number) -%}
    {{ return("(not isnan(" ~ number ~ ") and abs(" ~ number ~ ") < double('infinity'))") }}
{%- endmacro %}
{% macro duckdb__is_finite(number) %}{{ return("isfinite(" ~ number ~ ")") }}{% endmacro %}
