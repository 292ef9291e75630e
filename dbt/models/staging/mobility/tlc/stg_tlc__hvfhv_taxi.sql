with

source as (

    select * from {{ source('raw_data', 'hvfhv_taxi') }}

),

renamed as (

    select
        -- ids
        {{ trip_id('hvfhv_taxi') }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'hvfhv' as trip_type,
        {{ trimmed('hvfhs_license_num') }} as license_number,
        {{ trimmed('dispatching_base_num') }} as dispatching_base_number,
        {{ trimmed('originating_base_num') }} as originating_base_number,
        pu_location_id as pickup_location_id,
        do_location_id as dropoff_location_id,

        -- numbers
        trip_miles as trip_distance,
        trip_time as published_duration_seconds,
        base_passenger_fare as fare_amount,
        bcf as black_car_fund_amount,
        sales_tax as sales_tax_amount,
        tips as tip_amount,
        tolls as tolls_amount,
        congestion_surcharge,
        cbd_congestion_fee,
        airport_fee,
        driver_pay as driver_pay_amount,
        -- The file gives no total: what the passenger paid is the fare and all that comes on top of it.
        base_passenger_fare
        + coalesce(bcf, 0)
        + coalesce(sales_tax, 0)
        + coalesce(tips, 0)
        + coalesce(tolls, 0)
        + coalesce(congestion_surcharge, 0)
        + coalesce(cbd_congestion_fee, 0)
        + coalesce(airport_fee, 0) as total_amount,

        -- booleans
        {{ trimmed('shared_request_flag') }} = 'Y' as is_shared_ride_requested,
        {{ trimmed('shared_match_flag') }} = 'Y' as is_shared_ride,
        {{ trimmed('access_a_ride_flag') }} = 'Y' as is_access_a_ride,
        {{ trimmed('wav_request_flag') }} = 'Y' as is_wheelchair_vehicle_requested,
        {{ trimmed('wav_match_flag') }} = 'Y' as is_wheelchair_vehicle,

        -- times
        request_datetime,
        on_scene_datetime,
        pickup_datetime,
        dropoff_datetime
    from source

)

select * from renamed
