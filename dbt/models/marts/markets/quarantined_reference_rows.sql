with

symbols as (

    select * from {{ ref('int_symbol_rows') }}

),

exchanges as (

    select * from {{ ref('int_exchange_rows') }}

),

traders as (

    select * from {{ ref('int_trader_rows') }}

),

accounts as (

    select * from {{ ref('int_account_rows') }}

),

quarantined as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        symbol as code,
        company_name as described_as,
        quarantine_reason as reason
    from symbols
    where quarantine_reason is not null

    union all

    select
        feed,
        source_date,
        source_row,
        load_id,
        exchange_code as code,
        exchange_name as described_as,
        quarantine_reason as reason
    from exchanges
    where quarantine_reason is not null

    union all

    select
        feed,
        source_date,
        source_row,
        load_id,
        trader_id as code,
        trader_name as described_as,
        quarantine_reason as reason
    from traders
    where quarantine_reason is not null

    union all

    select
        feed,
        source_date,
        source_row,
        load_id,
        account_id as code,
        account_type as described_as,
        quarantine_reason as reason
    from accounts
    where quarantine_reason is not null

)

select * from quarantined
