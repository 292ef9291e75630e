{#
    How much an event tells, from 0 to 100: four parts of up to 25 points each. An event that tells less, or that is
    filed later, never has more.

    identity: the run's id is there.
    timing: the start is there and, of a run that has ended, the end.
    outcome: a success says its rows, a failure its error. Other statuses have nothing to say, and get the points.
    punctuality: in full until an hour after the hour of the event has ended, then less in a straight line, and none
    from the 25th hour after on. The hour of the file is what counts. An event that is filed before its time is
    punctual.
#}
{% macro quality_score(run_id, status, started_at, finished_at, row_count, error, event_time, source_hour) -%}
    {%- set hours = filed_hours_after(event_time, source_hour) | trim -%}
    {%- set punctuality = "25 * (26 - " ~ hours ~ ") / 24" -%}
    {%- set points -%}
        cast(
            case when {{ run_id }} is not null then 25 else 0 end
            + case
                when {{ started_at }} is null or {{ status }} is null then 0
                when {{ has_ended(status) }} and {{ finished_at }} is null then 0
                else 25
            end
            + case
                when {{ status }} is null then 0
                when {{ status }} = 'success' and {{ row_count }} is null then 0
                when {{ status }} = 'failed' and {{ error }} is null then 0
                else 25
            end
            + case
                when {{ event_time }} is null then 0
                else least(25, greatest(0, {{ punctuality }}))
            end as double
        )
    {%- endset -%}
    {{ round_to(points, 1) }}
{%- endmacro %}
