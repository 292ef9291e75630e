with

account_rows as (

    select * from {{ ref('int_account_rows') }}

),

kept as (

    select * from account_rows
    where quarantine_reason is null

)

select * from kept
