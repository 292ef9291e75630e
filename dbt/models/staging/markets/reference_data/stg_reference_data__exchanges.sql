with

source as (

    select * from {{ source('raw_data', 'exchanges') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        nullif(upper({{ trimmed('exchange_code') }}), '') as exchange_code,

        -- texts
        {{ text_or_missing('name') }} as exchange_name,
        {{ text_or_missing('timezone') }} as timezone,
        {{ text_or_missing('opens_at') }} as opens_at,
        {{ text_or_missing('closes_at') }} as closes_at
    from source

)

select * from renamed
