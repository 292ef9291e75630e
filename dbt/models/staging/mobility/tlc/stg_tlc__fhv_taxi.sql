with

source as (

    select * from {{ source('raw_data', 'fhv_taxi') }}

),

renamed as (

    select
        -- ids
        {{ trip_id('fhv_taxi') }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'fhv' as trip_type,
        {{ trimmed('dispatching_base_num') }} as dispatching_base_number,
        {{ trimmed('affiliated_base_number') }} as affiliated_base_number,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id,

        -- booleans
        coalesce(sr_flag, 0) = 1 as is_shared_ride,

        -- times
        pickup_datetime,
        dropoff_datetime
    from source

)

select * from renamed
