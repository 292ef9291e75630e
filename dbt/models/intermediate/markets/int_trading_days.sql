with

dates as (

    select date_day from {{ ref('int_date_spine') }}

),

closings as (

    select * from {{ ref('exchange_closings') }}

),

known as (

    select
        min(closing_date) as first_date,
        max(closing_date) as last_date
    from closings

),

weekdays as (

    select dates.date_day
    from dates
    inner join known
        on dates.date_day between known.first_date and known.last_date
    where {{ iso_day_of_week('dates.date_day') }} <= 5

),

trading_days as (

    select
        weekdays.date_day as trading_date,
        closings.closing_date is not null as is_half_day,
        coalesce(closings.closes_at, '16:00') as closes_at
    from weekdays
    left join closings
        on weekdays.date_day = closings.closing_date
    where closings.closing_date is null or closings.closes_at is not null

),

-- Clocks change on Sundays alone, so a trading day has one offset. That of its noon is that of all its minutes.
timed as (

    select
        trading_date,
        is_half_day,
        {{ time_of_day('trading_date', "'04:00'") }} as premarket_opens_at,
        {{ time_of_day('trading_date', "'09:30'") }} as opens_at,
        {{ time_of_day('trading_date', 'closes_at') }} as closes_at,
        {{ time_of_day('trading_date', "'20:00'") }} as postmarket_closes_at,
        cast({{ minutes_between(
            time_of_day('trading_date', "'12:00'"), utc_to_new_york(time_of_day('trading_date', "'12:00'"))
        ) }} as integer) as utc_offset_minutes
    from trading_days

)

select * from timed
