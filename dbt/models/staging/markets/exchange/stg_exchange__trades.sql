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
        nullif(upper({{ trimmed('symbol') }}), '') as symbol,
        nullif(upper({{ trimmed('exchange') }}), '') as exchange,
        {{ text_or_missing('trader_id') }} as trader_id,
        {{ text_or_missing('account_id') }} as account_id,
        nullif(upper({{ trimmed('side') }}), '') as side,

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
