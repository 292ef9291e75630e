with

weather_rows as (

    select * from {{ ref('int_weather_rows') }}

),

set_aside as (

    select
        feed,
        source_month,
        source_row,
        load_id,
        set_aside_reason as reason,
        hour_utc,
        hour_timestamp
    from weather_rows
    where set_aside_reason is not null

)

select * from set_aside
