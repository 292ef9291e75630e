with

dates as (

    select * from {{ ref('int_dates_of_data') }}

),

spine as (

    select date_day
    from dates

)

select * from spine
