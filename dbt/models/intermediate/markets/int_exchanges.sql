with

exchange_rows as (

    select * from {{ ref('int_exchange_rows') }}

),

kept as (

    select * from exchange_rows
    where quarantine_reason is null

)

select * from kept
