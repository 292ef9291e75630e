with

yellow_taxi as (

    select {{ conformed_trip_columns('yellow_taxi') }}
    from {{ ref('stg_tlc__yellow_taxi') }}

),

green_taxi as (

    select {{ conformed_trip_columns('green_taxi') }}
    from {{ ref('stg_tlc__green_taxi') }}

),

fhv_taxi as (

    select {{ conformed_trip_columns('fhv_taxi') }}
    from {{ ref('stg_tlc__fhv_taxi') }}

),

hvfhv_taxi as (

    select {{ conformed_trip_columns('hvfhv_taxi') }}
    from {{ ref('stg_tlc__hvfhv_taxi') }}

),

citibike_trips as (

    select {{ conformed_trip_columns('trips') }}
    from {{ ref('int_citibike_trips') }}

),

unioned as (

    select * from yellow_taxi
    union all
    select * from green_taxi
    union all
    select * from fhv_taxi
    union all
    select * from hvfhv_taxi
    union all
    select * from citibike_trips

)

select * from unioned
