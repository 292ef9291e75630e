with

source as (

    select * from {{ source('raw_data', 'citibike_trips') }}

),

renamed as (

    select
        -- ids
        {{ surrogate_key(['ride_id']) }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'citibike' as trip_type,
        trim(start_station_id) as start_station_id,
        trim(end_station_id) as end_station_id,
        rideable_type as bike_type,
        lower(member_casual) as rider_type,

        -- times
        started_at as pickup_datetime,
        ended_at as dropoff_datetime
    from source
    where ended_at >= started_at

),

deduplicated as (

    select * from renamed
    qualify row_number() over (partition by trip_id order by load_id desc, source_row) = 1

)

select * from deduplicated
