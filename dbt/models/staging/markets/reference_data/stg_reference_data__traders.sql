with

source as (

    select * from {{ source('raw_data', 'traders') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        nullif(trim(trader_id), '') as trader_id,

        -- texts
        nullif(trim(name), '') as trader_name,
        nullif(trim(firm), '') as firm,
        nullif(trim(desk), '') as desk,
        nullif(lower(trim(risk_tier)), '') as risk_tier
    from source

)

select * from renamed
