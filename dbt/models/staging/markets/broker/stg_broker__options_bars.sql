with

source as (

    select * from {{ source('raw_data', 'options_bars') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        nullif(contract, '') as contract,
        nullif(underlying, '') as underlying,

        -- numbers
        open,
        high,
        low,
        close,
        volume,
        trade_count,
        vwap,

        -- times
        timestamp as began_at_utc
    from source

)

select * from renamed
