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
        {{ text_or_missing('trader_id') }} as trader_id,

        -- texts
        {{ text_or_missing('name') }} as trader_name,
        {{ text_or_missing('firm') }} as firm,
        {{ text_or_missing('desk') }} as desk,
        nullif(lower({{ trimmed('risk_tier') }}), '') as risk_tier
    from source

)

select * from renamed
