with

source as (

    select * from {{ source('raw_data', 'market_data') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        kafka_partition,
        kafka_offset,
        _dlt_load_id as load_id,
        nullif(upper({{ trimmed('symbol') }}), '') as symbol,

        -- numbers
        interval_seconds,
        open,
        high,
        low,
        close,
        volume,

        -- times
        interval_start,
        event_timestamp,
        kafka_timestamp
    from source

)

select * from renamed
