{# A published text without blanks around it; missing where it is empty, or `NULL` or `\N`, which some files write. #}
{% macro published_text(column) -%}
    nullif(nullif({{ text_or_missing(column) }}, 'NULL'), {{ engine_literal("\\N") }})
{%- endmacro %}
