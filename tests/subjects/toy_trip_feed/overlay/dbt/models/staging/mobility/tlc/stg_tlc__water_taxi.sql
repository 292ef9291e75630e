with

source as (

    select * from {{ source('raw_data', 'water_taxi') }}

),

renamed as (

    select
        -- ids
        {{ trip_id('water_taxi') }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'water_taxi' as trip_type,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id,

        -- numbers
        trip_miles as trip_distance,
        base_passenger_fare as fare_amount,

        -- times
        pickup_datetime,
        dropoff_datetime
    from source

)

select * from renamed
