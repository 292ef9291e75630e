{# JSON whose spelling differs between engines. #}

{# What an array in a JSON text holds, as text without its brackets. #}
{% macro elements_of_json_array(text, path) -%}
    {{ return(adapter.dispatch('elements_of_json_array')(text, path)) }}
{%- endmacro %}
{% macro default__elements_of_json_array(text, path) -%}
    {%- set array = "get_json_object(" ~ text ~ ", '" ~ path ~ "')" -%}
    {{ return("substring(" ~ array ~ ", 2, length(" ~ array ~ ") - 2)") }}
{%- endmacro %}
{% macro duckdb__elements_of_json_array(text, path) -%}
    {{ return("cast(json_extract(" ~ text ~ ", '" ~ path ~ "') as varchar)[2:-2]") }}
{%- endmacro %}

{# A list as JSON text. #}
{% macro json_of_list(list) %}{{ return(adapter.dispatch('json_of_list')(list)) }}{% endmacro %}
{% macro default__json_of_list(list) %}{{ return("to_json(" ~ list ~ ")") }}{% endmacro %}
{% macro duckdb__json_of_list(list) %}{{ return("cast(to_json(" ~ list ~ ") as varchar)") }}{% endmacro %}

{# An aggregate: a JSON object of names and values, one pair a row, in the order of the names. No name comes twice. #}
{% macro json_of_pairs(name, value) %}{{ return(adapter.dispatch('json_of_pairs')(name, value)) }}{% endmacro %}
{% macro default__json_of_pairs(name, value) -%}
    {%- set pair = struct_of([('name', name), ('value', value)]) -%}
    {{ return("to_json(map_from_entries(" ~ list_in_order(pair, [name]) ~ "))") }}
{%- endmacro %}
{% macro duckdb__json_of_pairs(name, value) -%}
    {%- set pair = struct_of([('name', name), ('value', value)]) -%}
    {{ return("cast(to_json(map_from_entries(" ~ list_in_order(pair, [name]) ~ ")) as varchar)") }}
{%- endmacro %}
