{# For a window over events with the same id: the one that is right comes first. #}
{% macro latest_event_first() %}event_time desc, source_hour desc, source_row desc{% endmacro %}

{# Statuses in the words that are used here, from those of the programs that write events. Missing where unknown. #}
{% macro status_of_text(text) -%}
    case lower({{ trimmed(text) }})
        {%- for status, words in {
            'queued': ['queued'],
            'running': ['running'],
            'success': ['success', 'succeeded', 'completed', 'ok'],
            'failed': ['failed', 'failure', 'error'],
            'canceled': ['canceled', 'cancelled'],
            'skipped': ['skipped'],
        }.items() -%}
        {%- for word in words %}
        when '{{ word }}' then '{{ status }}'
        {%- endfor -%}
        {%- endfor %}
    end
{%- endmacro %}

{# Statuses of a run that has ended. #}
{% macro has_ended(status) %}{{ return(status ~ " in ('success', 'failed', 'canceled', 'skipped')") }}{% endmacro %}

{# What kind of error a failed event has; missing for events that have not failed. #}
{% macro kind_of_error(status, error) -%}
    case
        when {{ status }} = 'failed' then
            case
                when {{ error }} is null then 'unknown'
                when {{ matches(error, "^[A-Za-z0-9_.]{1,60}:") }} then {{ dbt.split_part(error, "':'", 1) }}
                else 'other'
            end
    end
{%- endmacro %}

{#
    How late an event was filed, in hours: from the start of the hour in which it happened to the start of the hour of
    its file. Negative where it was filed before its time.
#}
{% macro filed_hours_after(event_time, source_hour) -%}
    ({{ minutes_between(hour_start(event_time), source_hour) }} / 60)
{%- endmacro %}

{# Whether an event was filed later than in the hour after that in which it happened. #}
{% macro is_filed_late(event_time, source_hour) -%}
    ({{ source_hour }} > {{ add_hours(hour_start(event_time), 1) }})
{%- endmacro %}
