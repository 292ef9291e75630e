{#
    Whether a date is within the last days of a table, by a literal, so that engines skip the rest. Of a table that is not
    built every date is.
#}
{% macro is_recent(model, column, days) -%}
    {%- set last = none -%}
    {%- if execute and load_relation(model) is not none -%}
        {%- set last = run_query("select max(" ~ column ~ ") from " ~ model).rows[0][0] -%}
    {%- endif -%}
    {%- if last is none -%}{{ return('true') }}{%- endif -%}
    {%- set first = last - modules.datetime.timedelta(days=days) -%}
    {{ return(column ~ " > cast('" ~ first ~ "' as date)") }}
{%- endmacro %}
