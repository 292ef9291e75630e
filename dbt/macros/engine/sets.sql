{# Sets, aggregates and conditions whose spelling differs between engines. #}

{% macro median(expression) %}{{ return(adapter.dispatch('median')(expression)) }}{% endmacro %}
{% macro default__median(expression) %}{{ return("median(" ~ expression ~ ")") }}{% endmacro %}

{# The value below which a share of the values are, 0 to 1; between two values by linear interpolation. #}
{% macro percentile(expression, share) %}{{ return(adapter.dispatch('percentile')(expression, share)) }}{% endmacro %}
{% macro default__percentile(expression, share) -%}
    {{ return("percentile(" ~ expression ~ ", " ~ share ~ ")") }}
{%- endmacro %}
{% macro duckdb__percentile(expression, share) -%}
    {{ return("quantile_cont(" ~ expression ~ ", " ~ share ~ ")") }}
{%- endmacro %}

{# An aggregate: the first value by an order, of those that are there. Spark's own takes a missing one, too. #}
{% macro first_by(value, order) %}{{ return(adapter.dispatch('first_by')(value, order)) }}{% endmacro %}
{% macro default__first_by(value, order) -%}
    {{ return("min_by(" ~ value ~ ", " ~ order ~ ") filter (where " ~ value ~ " is not null)") }}
{%- endmacro %}
{% macro duckdb__first_by(value, order) %}{{ return("min_by(" ~ value ~ ", " ~ order ~ ")") }}{% endmacro %}

{# The same of the last. #}
{% macro last_by(value, order) %}{{ return(adapter.dispatch('last_by')(value, order)) }}{% endmacro %}
{% macro default__last_by(value, order) -%}
    {{ return("max_by(" ~ value ~ ", " ~ order ~ ") filter (where " ~ value ~ " is not null)") }}
{%- endmacro %}
{% macro duckdb__last_by(value, order) %}{{ return("max_by(" ~ value ~ ", " ~ order ~ ")") }}{% endmacro %}

{# Whether a text matches a regular expression. `$` is the end of the text; Java has it before a last new line, too. #}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches')(text, pattern)) }}{% endmacro %}
{% macro default__matches(text, pattern) -%}
    {%- set pattern = pattern[:-1] ~ "\\z" if pattern.endswith("$") else pattern -%}
    {{ return(text ~ " rlike " ~ engine_literal(pattern)) }}
{%- endmacro %}
{% macro duckdb__matches(text, pattern) -%}
    {{ return("regexp_matches(" ~ text ~ ", '" ~ pattern ~ "')") }}
{%- endmacro %}

{#
    The rows of all relations with at least these columns, each a pair of name and type. A column that a relation does
    not have is null there.
#}
{% macro union_by_name(relations, columns) -%}
    {{ return(adapter.dispatch('union_by_name')(relations, columns)) }}
{%- endmacro %}
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

{# The texts of all rows up to this one, in an order, one after the other; of those alone that are alike in a column. #}
{% macro running_text(text, order_by, partition_by=none) -%}
    {%- set window = "(" ~ ("partition by " ~ partition_by ~ " " if partition_by else "") ~ "order by " ~ order_by ~ ")" -%}
    {{ return(adapter.dispatch('running_text')(text, window)) }}
{%- endmacro %}
{% macro default__running_text(text, window) -%}
    {{ return("array_join(collect_list(" ~ text ~ ") over " ~ window ~ ", '')") }}
{%- endmacro %}
{% macro duckdb__running_text(text, window) -%}
    {{ return("string_agg(" ~ text ~ ", '') over " ~ window) }}
{%- endmacro %}
