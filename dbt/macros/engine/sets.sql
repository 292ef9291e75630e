{# Aggregates and row generators whose spelling differs between engines. #}

{% macro median(expression) %}{{ return(adapter.dispatch('median')(expression)) }}{% endmacro %}
{% macro default__median(expression) %}{{ return("median(" ~ expression ~ ")") }}{% endmacro %}

{# One text of all values, in the order given. #}
{% macro ordered_list(expression, separator, order_by) -%}
    {{ return(adapter.dispatch('ordered_list')(expression, separator, order_by)) }}
{%- endmacro %}
{% macro default__ordered_list(expression, separator, order_by) -%}
    {{ return("listagg(" ~ expression ~ ", '" ~ separator ~ "') within group (order by " ~ order_by ~ ")") }}
{%- endmacro %}
{% macro duckdb__ordered_list(expression, separator, order_by) -%}
    {{ return("string_agg(" ~ expression ~ ", '" ~ separator ~ "' order by " ~ order_by ~ ")") }}
{%- endmacro %}

{# A select of one column, `name`, with every date from the first to the last; none where either is null. #}
{% macro dates_between(first_date, last_date, name, relation) -%}
    {{ return(adapter.dispatch('dates_between')(first_date, last_date, name, relation)) }}
{%- endmacro %}
{% macro default__dates_between(first_date, last_date, name, relation) -%}
    {{ return("select explode(sequence(" ~ first_date ~ ", " ~ last_date ~ ")) as " ~ name ~ " from " ~ relation) }}
{%- endmacro %}
{% macro duckdb__dates_between(first_date, last_date, name, relation) -%}
    {%- set series = "generate_series(" ~ first_date ~ ", " ~ last_date ~ ", interval 1 day)" -%}
    {{ return("select cast(unnest(" ~ series ~ ") as date) as " ~ name ~ " from " ~ relation) }}
{%- endmacro %}

{# A select of one integer column, `name`, counting from the first number to the last. #}
{% macro integers_between(first_number, last_number, name) -%}
    {{ return(adapter.dispatch('integers_between')(first_number, last_number, name)) }}
{%- endmacro %}
{% macro default__integers_between(first_number, last_number, name) -%}
    {{ return("select explode(sequence(" ~ first_number ~ ", " ~ last_number ~ ")) as " ~ name) }}
{%- endmacro %}
{% macro duckdb__integers_between(first_number, last_number, name) -%}
    {%- set series = "generate_series(" ~ first_number ~ ", " ~ last_number ~ ")" -%}
    {{ return("select cast(unnest(" ~ series ~ ") as integer) as " ~ name) }}
{%- endmacro %}

{# Whether a text matches a regular expression. #}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches')(text, pattern)) }}{% endmacro %}
{% macro default__matches(text, pattern) %}{{ return(text ~ " rlike '" ~ pattern ~ "'") }}{% endmacro %}
{% macro duckdb__matches(text, pattern) -%}
    {{ return("regexp_matches(" ~ text ~ ", '" ~ pattern ~ "')") }}
{%- endmacro %}

{#
    The rows of all relations with at least these columns, each a pair of name and type. A column that a relation does
    not have is null there.
#}
{% macro union_by_name(relations, columns) %}{{ return(adapter.dispatch('union_by_name')(relations, columns)) }}{% endmacro %}
{% macro default__union_by_name(relations, columns) -%}
    {%- for relation in relations %}
    {%- set present = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list %}
    select
        {% for name, type in columns -%}
        {{ name if name in present else "cast(null as " ~ type ~ ") as " ~ name }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ relation }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
{% macro duckdb__union_by_name(relations, columns) -%}
    select
        {% for name, type in columns -%}
        cast(null as {{ type }}) as {{ name }}{{ "," if not loop.last }}
        {% endfor -%}
    where false
    {% for relation in relations -%}
    union all by name
    select * from {{ relation }}
    {% endfor %}
{%- endmacro %}
