with

trader_rows as (

    select * from {{ ref('int_trader_rows') }}

),

kept as (

    select * from trader_rows
    where quarantine_reason is null

)

select * from kept
