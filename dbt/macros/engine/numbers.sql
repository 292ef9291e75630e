{# Whether a double is a number: neither NaN nor infinite. Null where it is missing. #}
{% macro is_finite(number) %}{{ return(adapter.dispatch('is_finite')(number)) }}{% endmacro %}
{% macro default__is_finite(number) -%}
    {{ return("(not isnan(" ~ number ~ ") and abs(" ~ number ~ ") < double('infinity'))") }}
{%- endmacro %}
{% macro duckdb__is_finite(number) %}{{ return("isfinite(" ~ number ~ ")") }}{% endmacro %}

{#
    A double, rounded to so many digits; half way between two it is the one farther from 0. Spark's own function looks at
    the digits that a double is written with, and DuckDB's at what it is: 1.005 is less than half way to 1.01.
#}
{% macro round_to(number, digits) %}{{ return(adapter.dispatch('round_to')(number, digits)) }}{% endmacro %}
{% macro default__round_to(number, digits) -%}
    {%- set figure = "round((" ~ number ~ ") * 1e" ~ digits ~ ") / 1e" ~ digits -%}
    {#- What is too large to be multiplied has no digits to round. -#}
    {%- set finite = "nullif(nullif(" ~ figure ~ ", double('infinity')), -double('infinity'))" -%}
    {{ return("coalesce(" ~ finite ~ ", " ~ number ~ ")") }}
{%- endmacro %}
{% macro duckdb__round_to(number, digits) %}{{ return("round(" ~ number ~ ", " ~ digits ~ ")") }}{% endmacro %}

{# An aggregate: the sum of whole numbers, however large. Spark's own begins again at the least where it is too large. #}
{% macro sum_of_integers(number) %}{{ return(adapter.dispatch('sum_of_integers')(number)) }}{% endmacro %}
{% macro default__sum_of_integers(number) -%}
    {{ return("sum(cast(" ~ number ~ " as decimal(28, 0)))") }}
{%- endmacro %}
{% macro duckdb__sum_of_integers(number) %}{{ return("sum(" ~ number ~ ")") }}{% endmacro %}
