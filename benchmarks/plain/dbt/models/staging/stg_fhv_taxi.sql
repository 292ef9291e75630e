with

source as (

    select * from {{ source('raw_data', 'fhv_taxi') }}

),

renamed as (

    select
        -- ids
        {{ surrogate_key(
            ['dispatching_base_num', 'pickup_datetime', 'dropoff_datetime', 'pu_location_id', 'do_location_id']
        ) }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'fhv' as trip_type,
        trim(dispatching_base_num) as dispatching_base_number,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id,

        -- times
        pickup_datetime,
        dropoff_datetime
    from source
    where dropoff_datetime >= pickup_datetime

),

deduplicated as (

    select * from renamed
    qualify row_number() over (partition by trip_id order by load_id desc, source_row) = 1

)

select * from deduplicated
