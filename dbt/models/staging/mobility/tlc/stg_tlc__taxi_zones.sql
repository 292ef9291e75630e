with

source as (

    select * from {{ source('raw_data', 'taxi_zone_shapes') }}

),

renamed as (

    select
        -- ids
        feed,
        source_month,
        source_row,
        _dlt_load_id as load_id,
        location_id,

        -- texts
        zone as zone_name,
        borough,
        geometry
    from source

)

select * from renamed
