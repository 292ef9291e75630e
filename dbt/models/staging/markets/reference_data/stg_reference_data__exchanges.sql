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
        nullif(upper(trim(exchange_code)), '') as exchange_code,

        -- texts
        nullif(trim(name), '') as exchange_name,
        nullif(trim(timezone), '') as timezone,
        nullif(trim(opens_at), '') as opens_at,
        nullif(trim(closes_at), '') as closes_at
    from source

)

select * from renamed
