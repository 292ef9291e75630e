-- A fixed century and not the span of the data, so that joining dates to a month does not read all of raw data.
with

numbers as (

    {{ dbt.generate_series(36525) }}
),

dates as (

    select {{ add_days("cast('2000-01-01' as date)", 'generated_number - 1') }} as date_day
    from numbers

)

select * from dates
