{#
    New York's clocks: at 2:00 on the second Sunday of March they go to 3:00. At 2:00 on the first Sunday of November
    they go back to 1:00, so that the hour from 1:00 comes twice. This is the rule since 2007; no feed is older.
    Published times are of the wall clock, so the time between two of them may be an hour more or less.
#}
{% macro first_sunday(year, month) -%}
    {%- set first = first_of_month(year, month) -%}
    {{ return(add_days(first, "7 - " ~ iso_day_of_week(first))) }}
{%- endmacro %}

{% macro spring_forward_date(year) %}{{ return(add_days(first_sunday(year, 3), 7)) }}{% endmacro %}
{% macro fall_back_date(year) %}{{ return(first_sunday(year, 11)) }}{% endmacro %}

{# The hour from 2:00 that the clocks skip in March. #}
{% macro is_skipped_hour(date, hour) -%}
    (
        {{ hour }} = 2
        and {{ date_part_integer('month', date) }} = 3
        and {{ date }} = {{ spring_forward_date(date_part_integer('year', date)) }}
    )
{%- endmacro %}

{#
    Start of the hour that a wall clock shows. A clock that shows the skipped hour was not yet put forward, so the hour
    is really the one after it.
#}
{% macro wall_clock_hour(timestamp) -%}
    case
        when {{ is_skipped_hour('cast(' ~ timestamp ~ ' as date)', date_part_integer('hour', timestamp)) }}
            then {{ add_hours(hour_start(timestamp), 1) }}
        else {{ hour_start(timestamp) }}
    end
{%- endmacro %}

{# The pickup is in the first pass of the repeated hour and the drop-off in the second, so that it seems the earlier. #}
{% macro is_across_repeated_hour(pickup, dropoff) -%}
    (
        {{ dropoff }} < {{ pickup }}
        and {{ date_part_integer('month', pickup) }} = 11
        and {{ date_part_integer('hour', pickup) }} = 1
        and {{ date_part_integer('hour', dropoff) }} = 1
        and cast({{ dropoff }} as date) = cast({{ pickup }} as date)
        and cast({{ pickup }} as date) = {{ fall_back_date(date_part_integer('year', pickup)) }}
    )
{%- endmacro %}

{#
    Minutes to add to the difference of the wall clocks to get the time that passed: 60 for each time that the clocks
    went back in between, -60 for each time that they went forward. A change is not counted where one end lies in the
    repeated or the skipped hour, because the clock does not tell on which side of the change it was. The cheap tests
    come first: the dates of the changes, the 14th at the latest, are computed only for trips that end in the first half
    of March or November, or are long.
#}
{% macro clock_change_minutes(pickup, dropoff) -%}
    case
        when
            {{ date_part_integer('month', dropoff) }} not in (3, 11)
            and {{ minutes_between(pickup, dropoff) }} < 14 * 1440
            then 0
        when
            {{ date_part_integer('day', dropoff) }} > 15
            and {{ minutes_between(pickup, dropoff) }} < 1440
            then 0
        when {{ is_across_repeated_hour(pickup, dropoff) }} then 60
        when {{ dropoff }} <= {{ pickup }} then 0
        else
            60 * greatest({{ changes_until(dropoff, 'fall_back', 2) }} - {{ changes_until(pickup, 'fall_back', 1) }}, 0)
            - 60 * greatest(
                {{ changes_until(dropoff, 'spring_forward', 3) }} - {{ changes_until(pickup, 'spring_forward', 2) }}, 0
            )
    end
{%- endmacro %}

{# How often the clocks have changed, counted from any year; a change counts from this hour of its day on. #}
{% macro changes_until(timestamp, change, hour) -%}
    {%- set year = date_part_integer('year', timestamp) -%}
    {%- set date = fall_back_date(year) if change == 'fall_back' else spring_forward_date(year) -%}
    (
        {{ year }}
        + case when {{ timestamp }} >= {{ add_hours('cast(' ~ date ~ ' as timestamp)', hour) }} then 1 else 0 end
    )
{%- endmacro %}
