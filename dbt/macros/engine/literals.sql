{# A text as a literal of the engine's SQL; null for none. Spark takes a backslash in a literal for the start of an escape. #}
{% macro engine_literal(text) %}{{ return(adapter.dispatch('engine_literal')(text)) }}{% endmacro %}
{% macro default__engine_literal(text) %}{{ return(sql_literal(text)) }}{% endmacro %}
{% macro spark__engine_literal(text) -%}
    {{ return(sql_literal(text | string | replace("\\", "\\\\") if text is not none else none)) }}
{%- endmacro %}

{# In place of dbt-spark's own: dbt makes the rows of unit tests with these two, and texts with backslashes are among them. #}
{% macro spark__escape_single_quotes(expression) %}{{ return(expression | replace("'", "''")) }}{% endmacro %}
{% macro spark__string_literal(value) %}{{ return("'" ~ value | replace("\\", "\\\\") ~ "'") }}{% endmacro %}
