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
        nullif(upper(trim(symbol)), '') as symbol,
        nullif(upper(trim(exchange_code)), '') as exchange_code,

        -- texts
        nullif(trim(company_name), '') as company_name,
        nullif(trim(sector), '') as sector,
        nullif(trim(market_cap_bucket), '') as market_cap_bucket
    from source

)

select * from renamed
