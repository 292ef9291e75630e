with

source as (

    select * from {{ source('raw_data', 'yellow_taxi') }}

),

renamed as (

    select
        -- ids
        {{ surrogate_key(['tpep_pickup_datetime', 'tpep_dropoff_datetime', 'pu_location_id', 'do_location_id']) }}
            as trip_id,
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
        tip_amount,
        tolls_amount,
        congestion_surcharge,
        cbd_congestion_fee,
        airport_fee,
        total_amount,

        -- times
        tpep_pickup_datetime as pickup_datetime,
        tpep_dropoff_datetime as dropoff_datetime
    from source
    where tpep_dropoff_datetime >= tpep_pickup_datetime

),

deduplicated as (

    select * from renamed
    qualify row_number() over (partition by trip_id order by load_id desc, source_row) = 1

)

select * from deduplicated
