with

source as (

    select * from {{ source('raw_data', 'accounts') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        {{ text_or_missing('account_id') }} as account_id,
        {{ text_or_missing('trader_id') }} as trader_id,

        -- texts
        nullif(lower({{ trimmed('account_type') }}), '') as account_type,
        nullif(lower({{ trimmed('status') }}), '') as status,

        -- dates
        created_on
    from source

)

select * from renamed
