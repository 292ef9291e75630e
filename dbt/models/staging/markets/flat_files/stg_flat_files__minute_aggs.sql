with

source as (

    select * from {{ source('raw_data', 'minute_aggs') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        _dlt_load_id as load_id,
        nullif(ticker, '') as ticker,

        -- numbers
        open,
        high,
        low,
        close,
        volume,
        transactions,

        -- times
        window_start,
        {{ time_of_nanoseconds('window_start') }} as minute_utc
    from source

)

select * from renamed
