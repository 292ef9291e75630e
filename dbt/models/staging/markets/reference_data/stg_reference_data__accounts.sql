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
        nullif(trim(account_id), '') as account_id,
        nullif(trim(trader_id), '') as trader_id,

        -- texts
        nullif(lower(trim(account_type)), '') as account_type,
        nullif(lower(trim(status)), '') as status,

        -- dates
        created_on
    from source

)

select * from renamed
