with

hours as (

    select * from {{ ref('int_hours_of_data') }}

),

spine as (

    select hour_timestamp
    from hours

)

select * from spine
