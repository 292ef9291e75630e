with

dates as (

    select * from {{ ref('int_dates_of_data') }}

),

hours_of_day as (

    {{ integers_between(0, 23, 'hour_of_day') }}

),

hours as (

    select
        {{ hour_of_date('dates.date_day', 'hours_of_day.hour_of_day') }} as hour_timestamp,
        dates.date_day,
        hours_of_day.hour_of_day
    from dates
    cross join hours_of_day
    where not {{ is_skipped_hour('dates.date_day', 'hours_of_day.hour_of_day') }}

)

select * from hours
