{# Whether a column holds the name of one of these feeds; see registered_feeds in catalog.sql, which is generated. #}
{% macro is_feed_of(column, feeds) -%}
    {%- if not feeds -%}{{ return('false') }}{%- endif -%}
    {{ return(column ~ " in ('" ~ feeds | map(attribute='feed') | join("', '") ~ "')") }}
{%- endmacro %}
