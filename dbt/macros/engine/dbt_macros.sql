{#
    dbt's own macros, in place of what dbt-spark has for them: those give times with a zone, other types than DuckDB's,
    lists without order, or slow plans.
#}

{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {{ return("timestampadd(" ~ datepart ~ ", cast(" ~ interval ~ " as bigint), cast(" ~ from_date_or_timestamp
        ~ " as timestamp_ntz))") }}
{%- endmacro %}

{# How often a new day, month and so on begins between two times, as on DuckDB. #}
{% macro spark__datediff(first_date, second_date, datepart) -%}
    {%- if datepart == 'week' -%}
        {%- do exceptions.raise_compiler_error("expected dbt.datediff of days, because engines count weeks differently.") -%}
    {%- endif -%}
    {{ return("timestampdiff(" ~ datepart ~ ", " ~ dbt.date_trunc(datepart, first_date) ~ ", "
        ~ dbt.date_trunc(datepart, second_date) ~ ")") }}
{%- endmacro %}

{% macro spark__date_trunc(datepart, date) -%}
    {{ return("cast(date_trunc('" ~ datepart ~ "', cast(" ~ date ~ " as timestamp_ltz)) as timestamp_ntz)") }}
{%- endmacro %}

{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- if limit_num or not order_by_clause -%}
        {%- do exceptions.raise_compiler_error("expected dbt.listagg with an order and without a limit, of " ~ measure) -%}
    {%- endif -%}
    {{ return("listagg(" ~ measure ~ ", " ~ delimiter_text ~ ") within group (" ~ order_by_clause ~ ")") }}
{%- endmacro %}

{# Null where there is no such part. dbt-spark's takes the delimiter for a regular expression. #}
{% macro spark__split_part(string_text, delimiter_text, part_number) -%}
    {%- set parts = "split(" ~ string_text ~ ", concat('\\\\Q', " ~ delimiter_text ~ ", '\\\\E'))" -%}
    {{ return("try_element_at(" ~ parts ~ ", " ~ part_number ~ ")") }}
{%- endmacro %}

{# dbt's own joins a table of two rows with itself, sixteen times for a century of days, in every query of dates. #}
{% macro spark__generate_series(upper_bound) -%}
    select cast(id as double) as generated_number from range(1, {{ upper_bound + 1 }})
{%- endmacro %}
