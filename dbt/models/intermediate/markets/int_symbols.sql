with

symbol_rows as (

    select * from {{ ref('int_symbol_rows') }}

),

kept as (

    select * from symbol_rows
    where quarantine_reason is null

)

select * from kept
