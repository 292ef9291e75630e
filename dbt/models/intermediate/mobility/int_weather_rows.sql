with

hours as (

    select * from {{ ref('stg_weather__hourly') }}

),

-- An answer covers its New York month and, because it is asked for in UTC, some hours of the months around it.
placed as (

    select
        *,
        coalesce({{ month_start('hour_timestamp') }} = source_month, false) as is_of_own_month
    from hours

),

numbered as (

    select
        *,
        cast(
            row_number() over (partition by hour_timestamp, is_of_own_month order by hour_utc nulls last) as bigint
        ) as pass_number,
        count(*) over (partition by hour_timestamp, is_of_own_month) > 1 as is_repeated_hour
    from placed

),

judged as (

    select
        *,
        case
            when not is_of_own_month then 'hour_of_another_month'
            when pass_number > 1 then 'repeated_hour'
        end as set_aside_reason
    from numbered

)

select * from judged
