with

trading_days as (

    select * from {{ ref('int_trading_days') }}

),

numbered as (

    select
        *,
        {{ date_part_integer('year', 'trading_date') }} as fiscal_year,
        {{ date_part_integer('quarter', 'trading_date') }} as fiscal_quarter,
        {{ date_part_integer('month', 'trading_date') }} as fiscal_month,
        lag(trading_date) over (order by trading_date) as previous_trading_date,
        lead(trading_date) over (order by trading_date) as next_trading_date
    from trading_days

),

described as (

    select
        trading_date,
        previous_trading_date,
        next_trading_date,
        fiscal_year,
        fiscal_quarter,
        fiscal_month,
        {{ iso_day_of_week('trading_date') }} as day_of_week,
        {{ day_name('trading_date') }} as day_name,
        cast(row_number() over (partition by fiscal_year order by trading_date) as integer) as trading_day_of_year,
        {{ minutes_between('opens_at', 'closes_at') }} / 60 as session_hours,
        utc_offset_minutes,
        is_half_day,
        coalesce({{ month_start('next_trading_date') }} > {{ month_start('trading_date') }}, false) as is_month_end,
        coalesce(
            {{ date_part_integer('quarter', 'next_trading_date') }} <> fiscal_quarter, false
        ) as is_quarter_end,
        premarket_opens_at,
        opens_at,
        closes_at,
        postmarket_closes_at
    from numbered

)

select * from described
