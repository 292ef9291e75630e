{# Shorthands over dbt's own macros, which give timestamps where these give dates. #}

{# The date a number of days later, or earlier where it is negative. #}
{% macro add_days(date, days) -%}
    {{ return("cast(" ~ dbt.dateadd('day', days, date) | trim ~ " as date)") }}
{%- endmacro %}

{# The date a number of months later, or earlier where it is negative. #}
{% macro add_months(date, months) -%}
    {{ return("cast(" ~ dbt.dateadd('month', months, date) | trim ~ " as date)") }}
{%- endmacro %}

{# The first day of the month of a time. #}
{% macro month_start(timestamp) -%}
    {{ return("cast(" ~ dbt.date_trunc('month', timestamp) | trim ~ " as date)") }}
{%- endmacro %}

{# The start of the hour of a time. #}
{% macro hour_start(timestamp) %}{{ return(dbt.date_trunc('hour', timestamp) | trim) }}{% endmacro %}

{# A time a number of hours later. #}
{% macro add_hours(timestamp, hours) %}{{ return(dbt.dateadd('hour', hours, timestamp) | trim) }}{% endmacro %}

{# The time on a date that a text such as '09:30' says. #}
{% macro time_of_day(date, text) -%}
    {{ return("cast(" ~ dbt.cast(date, dbt.type_string()) ~ " || ' ' || " ~ text ~ " || ':00' as timestamp)") }}
{%- endmacro %}

{# Days from one date to another. #}
{% macro days_between(first, last) %}{{ return(dbt.datediff(first, last, 'day') | trim) }}{% endmacro %}
