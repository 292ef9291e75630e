with

source as (

    select * from {{ source('raw_data', 'trades') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        kafka_partition,
        kafka_offset,
        _dlt_load_id as load_id,
        nullif(trade_id, '') as trade_id,
        nullif(upper(trim(symbol)), '') as symbol,
        nullif(upper(trim(exchange)), '') as exchange,
        nullif(trim(trader_id), '') as trader_id,
        nullif(trim(account_id), '') as account_id,
        nullif(upper(trim(side)), '') as side,

        -- numbers
        price,
        quantity,

        -- times
        trade_timestamp,
        event_timestamp,
        kafka_timestamp
    from source

)

select * from renamed
