{#
    US federal holidays (5 U.S.C. 6103). Inauguration Day is left out: it is a holiday of Washington only.
    A holiday of fixed date that falls on a Saturday is observed on the Friday before, on a Sunday on the Monday after.
#}
{% macro fixed_federal_holiday(date) -%}
    {%- set month = date_part_integer('month', date) -%}
    {%- set day = date_part_integer('day', date) -%}
    case
        when {{ month }} = 1 and {{ day }} = 1 then 'New Year''s Day'
        when {{ month }} = 6 and {{ day }} = 19 and {{ date_part_integer('year', date) }} >= 2021
            then 'Juneteenth National Independence Day'
        when {{ month }} = 7 and {{ day }} = 4 then 'Independence Day'
        when {{ month }} = 11 and {{ day }} = 11 then 'Veterans Day'
        when {{ month }} = 12 and {{ day }} = 25 then 'Christmas Day'
    end
{%- endmacro %}

{# The third Monday of a month is the Monday among its days 15 to 21, the last of May the one from 25 on. #}
{% macro moving_federal_holiday(date) -%}
    {%- set monday_holidays = [
        (1, 15, 21, "Birthday of Martin Luther King, Jr."),
        (2, 15, 21, "Washington''s Birthday"),
        (5, 25, 31, "Memorial Day"),
        (9, 1, 7, "Labor Day"),
        (10, 8, 14, "Columbus Day"),
    ] -%}
    {%- set month = date_part_integer('month', date) -%}
    {%- set day = date_part_integer('day', date) -%}
    {%- set day_of_week = iso_day_of_week(date) -%}
    case
        {% for holiday_month, first_day, last_day, name in monday_holidays -%}
        when
            {{ day_of_week }} = 1
            and {{ month }} = {{ holiday_month }}
            and {{ day }} between {{ first_day }} and {{ last_day }}
            then '{{ name }}'
        {% endfor -%}
        when {{ day_of_week }} = 4 and {{ month }} = 11 and {{ day }} between 22 and 28 then 'Thanksgiving Day'
    end
{%- endmacro %}
