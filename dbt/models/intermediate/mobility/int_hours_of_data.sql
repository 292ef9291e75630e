with

dates as (

    select * from {{ ref('int_dates_of_data') }}

),

hours_of_day as (

    select cast(generated_number - 1 as integer) as hour_of_day
    from ({{ dbt.generate_series(24) }}) as numbers

),

hours as (

    select
        {{ add_hours('cast(dates.date_day as timestamp)', 'hours_of_day.hour_of_day') }} as hour_timestamp,
        dates.date_day,
        hours_of_day.hour_of_day
    from dates
    cross join hours_of_day
    where not {{ is_skipped_hour('dates.date_day', 'hours_of_day.hour_of_day') }}

)

select * from hours
