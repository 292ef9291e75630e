with

dates as (

    select * from {{ ref('int_dates') }}

),

partitions as (

    select * from {{ ref('int_loaded_partitions') }}

),

-- Trips start up to two days outside the month of their file, and take up to 30.
span as (

    select
        {{ add_months('min(source_month)', -1) }} as first_date,
        {{ add_days(add_months('max(source_month)', 3), -1) }} as last_date
    from partitions

),

dates_of_data as (

    select dates.*
    from dates
    inner join span
        on dates.date_day between span.first_date and span.last_date

)

select * from dates_of_data
