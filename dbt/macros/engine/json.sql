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

{#
    An aggregate: a JSON list of objects, one a row, in the order of these columns. Each of the fields has a name, an
    expression and its type, `varchar`, `bigint` or `double`.
#}
{% macro json_of_objects(fields, order_by) %}{{ return(adapter.dispatch('json_of_objects')(fields, order_by)) }}{% endmacro %}
{% macro default__json_of_objects(fields, order_by) -%}
    {#- to_json leaves out what is null, and writes doubles as Java does. -#}
    {%- set parts = [] -%}
    {%- for name, expression, type in fields -%}
        {%- set value = json_of_double(expression) if type == 'double' else json_of_value(expression) -%}
        {%- do parts.append("'" ~ ("{" if loop.first else ",") ~ '"' ~ name ~ '":\', ' ~ value) -%}
    {%- endfor -%}
    {%- set object = "concat(" ~ parts | join(", ") ~ ", '}')" -%}
    {{ return("concat('[', array_join(" ~ list_in_order(object, order_by) ~ ", ','), ']')") }}
{%- endmacro %}
{% macro duckdb__json_of_objects(fields, order_by) -%}
    {%- set pairs = [] -%}
    {%- for name, expression, type in fields -%}{%- do pairs.append((name, expression)) -%}{%- endfor -%}
    {{ return("cast(to_json(" ~ list_in_order(struct_of(pairs), order_by) ~ ") as varchar)") }}
{%- endmacro %}

{# Spark: a text or whole number in JSON. #}
{% macro json_of_value(value) -%}
    {%- set list = "to_json(array(" ~ value ~ "))" -%}
    {{ return("substring(" ~ list ~ ", 2, length(" ~ list ~ ") - 2)") }}
{%- endmacro %}

{#
    Spark: a double in JSON, as DuckDB writes it: 0.00001 and 10000000.0 where Spark has 1.0E-5 and 1.0E7; 1e22 where
    Spark has 1.0E22. Of those in between a decimal holds all digits.
#}
{% macro json_of_double(number) -%}
    {%- set text = "cast(" ~ number ~ " as string)" -%}
    {%- set size = "abs(" ~ number ~ ")" -%}
    {%- set decimal = "case when " ~ size ~ " < 1e14 then cast(cast(" ~ text ~ " as decimal(38, 23)) as string) else cast("
        ~ "cast(" ~ text ~ " as decimal(38, 4)) as string) end" -%}
    {%- set trailing_zeros = engine_literal("(\\.[0-9]+?)0+$") -%}
    case
        when {{ number }} is null then 'null'
        when {{ number }} = 0 or {{ size }} >= 1e-3 and {{ size }} < 1e7 then {{ text }}
        when {{ size }} >= 1e-6 and {{ size }} < 1e21 then regexp_replace({{ decimal }}, {{ trailing_zeros }}, '$1')
        else replace(replace({{ text }}, '.0E', 'e'), 'E', 'e')
    end
{%- endmacro %}

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
