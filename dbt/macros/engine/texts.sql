{# What published texts say, read so that no text stops a build. #}

{#
    The UTC time, without zone, that an ISO 8601 text says: `2026-03-06`, `2026-03-06T10:00`, with seconds and a fraction
    of them, with an offset such as `Z`, `+01`, `+0100` or `+01:00`; a blank may stand for the T, and `20260306T100000` is
    the same without separators. Without an offset it is taken as UTC. Missing where the text says no such time: a number
    of seconds, `infinity`, the 30th of February, a year of more or fewer than four digits.
#}
{% macro utc_of_iso_text(text) -%}
    {%- set day = "^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}" -%}
    {%- set time = "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?" -%}
    {%- set offset = "(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)" -%}
    {%- set unseparated = "^[1-9][0-9]{7}T[0-9]{6}([.][0-9]{1,9})?" -%}
    {%- set spelled = "spelled_text" -%}
    {%- set parts = ["substring(" ~ spelled ~ ", 1, 4)"] -%}
    {%- for separator, first in [('-', 5), ('-', 7), ('T', 10), (':', 12), (':', 14)] -%}
        {%- do parts.append("'" ~ separator ~ "' || substring(" ~ spelled ~ ", " ~ first ~ ", 2)") -%}
    {%- endfor -%}
    {%- set separated = parts | join(" || ") ~ " || substring(" ~ spelled ~ ", 16)" -%}
    {%- set complete -%}
        case
            when {{ matches(spelled, day ~ time ~ offset ~ "$") }} then {{ spelled }}
            when {{ matches(spelled, day ~ time ~ "$") }} then {{ spelled }} || 'Z'
            when {{ matches(spelled, day ~ "$") }} then {{ spelled }} || 'T00:00Z'
            when {{ matches(spelled, unseparated ~ offset ~ "$") }} then {{ separated }}
            when {{ matches(spelled, unseparated ~ "$") }} then {{ separated }} || 'Z'
        end
    {%- endset -%}
    {%- set value = dbt.replace("upper(" ~ trimmed(text) ~ ")", "','", "'.'") -%}
    {%- set utc = utc_of_time_with_offset(with_value(spelled, value, complete)) -%}
    {#- An offset may lead out of the years with four digits, where not every program can read a time. -#}
    {%- set between -%}
        case
            when utc_time between cast('1000-01-01' as timestamp) and cast('9999-12-31' as timestamp) then utc_time
        end
    {%- endset -%}
    {{ return(with_value("utc_time", utc, between)) }}
{%- endmacro %}

{% macro utc_of_time_with_offset(text) %}{{ return(adapter.dispatch('utc_of_time_with_offset')(text)) }}{% endmacro %}
{% macro default__utc_of_time_with_offset(text) -%}
    {#- Spark wants seconds before an offset, and knows no 24:00, which is the next day's 00:00. -#}
    {%- set full = "regexp_replace(" ~ text ~ ", '^(.{16})(Z|[+-])', '$1:00$2')" -%}
    {%- set midnight = "concat(substring(full_text, 1, 11), '00', substring(full_text, 14))" -%}
    {%- set utc -%}
        case
            when full_text rlike '^.{11}24:00:00([.]0+)?(Z|[+-])'
                then timestampadd(day, 1, cast(try_cast({{ midnight }} as timestamp_ltz) as timestamp_ntz))
            else cast(try_cast(full_text as timestamp_ltz) as timestamp_ntz)
        end
    {%- endset -%}
    {{ return(with_value("full_text", full, utc)) }}
{%- endmacro %}
{% macro duckdb__utc_of_time_with_offset(text) -%}
    {{ return("(try_cast(" ~ text ~ " as timestamptz) at time zone 'UTC')") }}
{%- endmacro %}

{# The whole number from 0 that a text says, `1200` or `1200.0`. Missing where it says none: `1,200`, `12k`, `-1`. #}
{% macro whole_number_of_text(text) -%}
    case
        when {{ matches(trimmed(text), "^[0-9]{1,18}([.]0+)?$") }}
            then cast({{ dbt.split_part(trimmed(text), "'.'", 1) }} as bigint)
    end
{%- endmacro %}

{# The truth that a text says, `true` or `false` in any case. Missing where it says neither. #}
{% macro boolean_of_text(text) -%}
    case lower({{ trimmed(text) }}) when 'true' then true when 'false' then false end
{%- endmacro %}

{# The text without blanks around it; missing where there is nothing else. #}
{% macro text_or_missing(text) %}{{ return("nullif(" ~ trimmed(text) ~ ", '')") }}{% endmacro %}

{# The text without blanks around it: those of any width, of languages with wide letters and such as do not break. #}
{% macro trimmed(text) %}{{ return(adapter.dispatch('trimmed')(text)) }}{% endmacro %}
{% macro default__trimmed(text) -%}
    {#- Spark's own takes the plain blank alone. These are what Unicode calls space separators, as DuckDB has it. -#}
    {%- set blanks = " \\u00a0\\u1680\\u2000\\u2001\\u2002\\u2003\\u2004\\u2005\\u2006\\u2007" -%}
    {%- set blanks = blanks ~ "\\u2008\\u2009\\u200a\\u202f\\u205f\\u3000" -%}
    {{ return("trim(both '" ~ blanks ~ "' from " ~ text ~ ")") }}
{%- endmacro %}
{% macro duckdb__trimmed(text) %}{{ return("trim(" ~ text ~ ")") }}{% endmacro %}
