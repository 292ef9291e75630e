{# The key of the row of dim_station for trips without a station. #}
{% macro unknown_station_id() %}{{ return('unknown') }}{% endmacro %}

{#
    Citi Bike's station ids are text. Numbered ones have two decimals. Some files lost a last zero: `6498.1` is
    `6498.10`. The cheap test comes first.
#}
{% macro station_id(published) -%}
    {%- set trimmed = published_text(published) -%}
    case
        when {{ published }} like '%._%' and {{ matches(trimmed, '^[0-9]+[.][0-9]$') }} then {{ trimmed }} || '0'
        else {{ trimmed }}
    end
{%- endmacro %}
