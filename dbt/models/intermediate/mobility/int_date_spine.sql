-- A fixed century rather than the span of the data: whoever joins dates to a month must not read all of raw data.
with

numbers as (

    {{ dbt.generate_series(36525) }}
),

dates as (

    select {{ add_days("cast('2000-01-01' as date)", 'generated_number - 1') }} as date_day
    from numbers

)

select * from dates
