with

hours as (

    select cast(generated_number - 1 as integer) as hour_of_day
    from ({{ dbt.generate_series(24) }}) as numbers

),

flagged as (

    select
        hour_of_day,
        lpad(cast(hour_of_day as {{ dbt.type_string() }}), 2, '0') || ':00' as hour_label,
        case
            when hour_of_day between 6 and 11 then 'morning'
            when hour_of_day between 12 and 17 then 'afternoon'
            when hour_of_day between 18 and 21 then 'evening'
            else 'night'
        end as day_part,
        hour_of_day between 7 and 9 or hour_of_day between 17 and 19 as is_rush_hour_window,
        hour_of_day between 9 and 16 as is_business_hours_window,
        hour_of_day >= 23 or hour_of_day <= 4 as is_late_night
    from hours

)

select * from flagged
