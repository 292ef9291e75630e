with

source as (

    select * from {{ source('raw_data', 'symbols') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        nullif(upper({{ trimmed('symbol') }}), '') as symbol,
        nullif(upper({{ trimmed('exchange_code') }}), '') as exchange_code,

        -- texts
        {{ text_or_missing('company_name') }} as company_name,
        {{ text_or_missing('sector') }} as sector,
        {{ text_or_missing('market_cap_bucket') }} as market_cap_bucket
    from source

)

select * from renamed
