with

source as (

    select * from {{ source('raw_data', 'citibike_trips') }}

),

renamed as (

    select
        -- ids
        {{ trip_id('citibike_trips') }} as trip_id,
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        'citibike' as trip_type,
        {{ published_text('ride_id') }} as ride_id,
        {{ station_id('start_station_id') }} as start_station_id,
        {{ published_text('start_station_name') }} as start_station_name,
        {{ station_id('end_station_id') }} as end_station_id,
        {{ published_text('end_station_name') }} as end_station_name,
        {{ published_text('rideable_type') }} as bike_type,
        case lower({{ trimmed('member_casual') }})
            when 'subscriber' then 'member'
            when 'customer' then 'casual'
            else lower({{ published_text('member_casual') }})
        end as rider_type,

        -- numbers
        start_lat as start_latitude,
        start_lng as start_longitude,
        end_lat as end_latitude,
        end_lng as end_longitude,

        -- times
        started_at as pickup_datetime,
        ended_at as dropoff_datetime
    from source

)

select * from renamed
