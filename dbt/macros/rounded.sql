{#
    A sum or mean of doubles, rounded. The last digits of such a sum depend on the order of the rows, and so would the
    rounded figure where it lies half way between two. Rounded to more digits first, every order gives the same.
#}
{% macro rounded(figure, digits) -%}
    {{ return(round_to(round_to(figure, digits + 5), digits)) }}
{%- endmacro %}
