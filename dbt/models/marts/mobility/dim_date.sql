with

dates as (

    select * from {{ ref('int_dates_of_data') }}

),

parts as (

    select
        date_day,
        {{ date_part_integer('year', 'date_day') }} as calendar_year,
        {{ date_part_integer('quarter', 'date_day') }} as calendar_quarter,
        {{ date_part_integer('month', 'date_day') }} as calendar_month,
        {{ month_name('date_day') }} as month_name,
        {{ month_start('date_day') }} as month_start_date,
        {{ date_part_integer('day', 'date_day') }} as day_of_month,
        {{ date_part_integer('doy', 'date_day') }} as day_of_year,
        day_of_week,
        {{ day_name('date_day') }} as day_name,
        {{ iso_year('date_day') }} as iso_year,
        {{ date_part_integer('week', 'date_day') }} as iso_week,
        holiday_name,
        is_weekend,
        is_holiday,
        is_working_day
    from dates

),

described as (

    select
        *,
        case
            when calendar_month in (12, 1, 2) then 'winter'
            when calendar_month in (3, 4, 5) then 'spring'
            when calendar_month in (6, 7, 8) then 'summer'
            else 'autumn'
        end as season,
        case
            when date_day = {{ spring_forward_date('calendar_year') }} then 23
            when date_day = {{ fall_back_date('calendar_year') }} then 25
            else 24
        end as hours_in_day
    from parts

)

select * from described
