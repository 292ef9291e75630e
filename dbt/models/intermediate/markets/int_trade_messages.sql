with

trades as (

    select * from {{ ref('stg_exchange__trades') }}

),

judged as (

    select
        *,
        case
            when trade_id is null or {{ trimmed('trade_id') }} = '' then 'missing_trade_id'
            when symbol is null then 'missing_symbol'
            when side is null or side not in ('BUY', 'SELL') then 'unknown_side'
            when {{ is_wrong_if_present('price') }} then 'impossible_price'
            when {{ is_wrong_if_present('quantity') }} then 'impossible_quantity'
        end as fault
    from trades

)

select * from judged
