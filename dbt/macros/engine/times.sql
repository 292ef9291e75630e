{#
    Times and dates whose spelling differs between engines.

    Of Spark's functions some know times with a zone alone. The zone of the session is UTC (warehouse/spark/settings.py),
    so a time without zone becomes one, and one of them a time without zone again, and neither changes what it says.
#}

{# Spark: microseconds since 1970-01-01 00:00, for what is computed of times without a zone. #}
{% macro microseconds_of(timestamp) %}{{ return("unix_micros(cast(" ~ timestamp ~ " as timestamp_ltz))") }}{% endmacro %}

{# dbt.date takes numbers alone, not columns. #}
{% macro first_of_month(year, month) %}{{ return(adapter.dispatch('first_of_month')(year, month)) }}{% endmacro %}
{% macro default__first_of_month(year, month) %}{{ return("make_date(" ~ year ~ ", " ~ month ~ ", 1)") }}{% endmacro %}

{# Minutes from one timestamp to another, with the fraction; negative where the second is the earlier. #}
{% macro minutes_between(started_at, ended_at) -%}
    {{ return(adapter.dispatch('minutes_between')(started_at, ended_at)) }}
{%- endmacro %}
{% macro default__minutes_between(started_at, ended_at) -%}
    {{ return("((" ~ microseconds_of(ended_at) ~ " - " ~ microseconds_of(started_at) ~ ") / 60000000)") }}
{%- endmacro %}
{% macro duckdb__minutes_between(started_at, ended_at) -%}
    {{ return("((epoch_us(" ~ ended_at ~ ") - epoch_us(" ~ started_at ~ ")) / 60000000)") }}
{%- endmacro %}

{# Seconds from one timestamp to another, with the fraction. #}
{% macro seconds_between(started_at, ended_at) %}{{ return(adapter.dispatch('seconds_between')(started_at, ended_at)) }}{% endmacro %}
{% macro default__seconds_between(started_at, ended_at) -%}
    {{ return("((" ~ microseconds_of(ended_at) ~ " - " ~ microseconds_of(started_at) ~ ") / 1000000)") }}
{%- endmacro %}
{% macro duckdb__seconds_between(started_at, ended_at) -%}
    {{ return("((epoch_us(" ~ ended_at ~ ") - epoch_us(" ~ started_at ~ ")) / 1000000)") }}
{%- endmacro %}

{# The time a number of minutes later, of which a fraction counts to the microsecond; earlier where it is negative. #}
{% macro add_minutes(timestamp, minutes) %}{{ return(adapter.dispatch('add_minutes')(timestamp, minutes)) }}{% endmacro %}
{% macro default__add_minutes(timestamp, minutes) -%}
    {%- set later = microseconds_of(timestamp) ~ " + cast(round(60000000 * " ~ minutes ~ ") as bigint)" -%}
    {{ return("cast(timestamp_micros(" ~ later ~ ") as timestamp_ntz)") }}
{%- endmacro %}
{% macro duckdb__add_minutes(timestamp, minutes) -%}
    {{ return("(" ~ timestamp ~ " + to_microseconds(cast(round(60000000 * " ~ minutes ~ ") as bigint)))") }}
{%- endmacro %}

{# Monday is 1, Sunday is 7. #}
{% macro iso_day_of_week(date) %}{{ return(adapter.dispatch('iso_day_of_week')(date)) }}{% endmacro %}
{% macro default__iso_day_of_week(date) %}{{ return("(weekday(" ~ date ~ ") + 1)") }}{% endmacro %}
{% macro duckdb__iso_day_of_week(date) %}{{ return("cast(isodow(" ~ date ~ ") as integer)") }}{% endmacro %}

{% macro date_part_integer(part, date) %}{{ return(adapter.dispatch('date_part_integer')(part, date)) }}{% endmacro %}
{% macro default__date_part_integer(part, date) -%}
    {{ return("cast(extract(" ~ part ~ " from " ~ date ~ ") as integer)") }}
{%- endmacro %}

{# The year that an ISO week belongs to: differs from the calendar year around New Year. #}
{% macro iso_year(date) %}{{ return(adapter.dispatch('iso_year')(date)) }}{% endmacro %}
{% macro default__iso_year(date) %}{{ return("cast(extract(yearofweek from " ~ date ~ ") as integer)") }}{% endmacro %}
{% macro duckdb__iso_year(date) %}{{ return("cast(extract(isoyear from " ~ date ~ ") as integer)") }}{% endmacro %}

{% macro month_name(date) %}{{ return(adapter.dispatch('month_name')(date)) }}{% endmacro %}
{% macro default__month_name(date) %}{{ return("date_format(" ~ date ~ ", 'MMMM')") }}{% endmacro %}
{% macro duckdb__month_name(date) %}{{ return("monthname(" ~ date ~ ")") }}{% endmacro %}

{% macro day_name(date) %}{{ return(adapter.dispatch('day_name')(date)) }}{% endmacro %}
{% macro default__day_name(date) %}{{ return("date_format(" ~ date ~ ", 'EEEE')") }}{% endmacro %}
{% macro duckdb__day_name(date) %}{{ return("dayname(" ~ date ~ ")") }}{% endmacro %}

{# New York's wall clock at a UTC time: a timestamp without zone made of another. #}
{% macro utc_to_new_york(timestamp) %}{{ return(adapter.dispatch('utc_to_new_york')(timestamp)) }}{% endmacro %}
{% macro default__utc_to_new_york(timestamp) -%}
    {{ return("convert_timezone('UTC', 'America/New_York', " ~ timestamp ~ ")") }}
{%- endmacro %}
{% macro duckdb__utc_to_new_york(timestamp) -%}
    {{ return("((" ~ timestamp ~ ") at time zone 'UTC' at time zone 'America/New_York')") }}
{%- endmacro %}

{# The UTC time, without zone, at a number of nanoseconds since 1970-01-01 00:00 UTC. #}
{% macro time_of_nanoseconds(nanoseconds) -%}
    {{ return(adapter.dispatch('time_of_nanoseconds')(nanoseconds)) }}
{%- endmacro %}
{% macro default__time_of_nanoseconds(nanoseconds) -%}
    {{ return("cast(timestamp_micros(" ~ nanoseconds ~ " div 1000) as timestamp_ntz)") }}
{%- endmacro %}
{% macro duckdb__time_of_nanoseconds(nanoseconds) %}{{ return("make_timestamp(" ~ nanoseconds ~ " // 1000)") }}{% endmacro %}
