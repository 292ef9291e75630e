with

source as (

    select * from {{ source('raw_data', 'yellow_taxi') }}

),

renamed as (

    select
        -- ids
        {{ trip_id('yellow_taxi') }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'yellow_taxi' as trip_type,
        vendor_id,
        ratecode_id as rate_code_id,
        payment_type as payment_type_id,
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
        improvement_surcharge,
        congestion_surcharge,
        cbd_congestion_fee,
        airport_fee,
        total_amount,

        -- booleans
        {{ trimmed('store_and_fwd_flag') }} = 'Y' as is_store_and_forward,

        -- times
        tpep_pickup_datetime as pickup_datetime,
        tpep_dropoff_datetime as dropoff_datetime
    from source

)

select * from renamed
