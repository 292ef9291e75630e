with

source as (

    select * from {{ source('raw_data', 'options_snapshots') }}

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
        option_type,

        -- numbers
        strike,
        bid,
        ask,
        bid_size,
        ask_size,
        last_price,
        volume,
        open_interest,
        implied_volatility,
        delta,
        gamma,
        theta,
        vega,
        rho,
        underlying_price,

        -- times
        expiration_date,
        snapshot_at as snapshot_at_utc,
        quoted_at as quoted_at_utc,
        last_trade_at as last_trade_at_utc
    from source

)

select * from renamed
