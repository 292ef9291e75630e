-- A fixed century rather than the span of the data: whoever joins dates to a month must not read all of raw data.
with

century as (

    select
        cast('2000-01-01' as date) as first_date,
        cast('2099-12-31' as date) as last_date

),

dates as (

    {{ dates_between('first_date', 'last_date', 'date_day', 'century') }}

)

select * from dates
