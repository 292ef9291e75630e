with

source as (

    select * from {{ source('raw_data', 'green_taxi') }}

),

renamed as (

    select
        -- ids
        {{ trip_id('green_taxi') }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'green_taxi' as trip_type,
        vendor_id,
        ratecode_id as rate_code_id,
        payment_type as payment_type_id,
        trip_type as hail_type_id,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id,

        -- numbers
        passenger_count,
        trip_distance,
        fare_amount,
        extra as extra_amount,
        mta_tax as mta_tax_amount,
        tip_amount,
        tolls_amount,
        ehail_fee,
        improvement_surcharge,
        congestion_surcharge,
        cbd_congestion_fee,
        total_amount,

        -- booleans
        {{ trimmed('store_and_fwd_flag') }} = 'Y' as is_store_and_forward,

        -- times
        lpep_pickup_datetime as pickup_datetime,
        lpep_dropoff_datetime as dropoff_datetime
    from source

)

select * from renamed
