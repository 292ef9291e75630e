with

dates as (

    select * from {{ ref('int_date_spine') }}

),

weekdays as (

    select
        date_day,
        {{ iso_day_of_week('date_day') }} as day_of_week
    from dates

),

holidays as (

    select
        *,
        coalesce(
            {{ fixed_federal_holiday('date_day') }},
            {{ moving_federal_holiday('date_day') }},
            case
                when day_of_week = 5 then {{ fixed_federal_holiday(add_days('date_day', 1)) }}
                when day_of_week = 1 then {{ fixed_federal_holiday(add_days('date_day', -1)) }}
            end || ' (observed)'
        ) as holiday_name
    from weekdays

),

flagged as (

    select
        *,
        day_of_week >= 6 as is_weekend,
        holiday_name is not null as is_holiday,
        day_of_week <= 5 and holiday_name is null as is_working_day
    from holidays

)

select * from flagged
