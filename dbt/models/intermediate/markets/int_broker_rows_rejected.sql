with

candles as (

    select * from {{ ref('int_candle_rows') }}

),

bars as (

    select * from {{ ref('int_option_bar_rows') }}

),

snapshots as (

    select * from {{ ref('int_option_snapshot_rows') }}

),

rejected as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        symbol as instrument,
        quarantine_reason as reason,
        close as price,
        volume,
        began_at_utc as observed_at_utc
    from candles
    where quarantine_reason is not null

    union all

    select
        feed,
        source_date,
        source_row,
        load_id,
        contract as instrument,
        quarantine_reason as reason,
        close as price,
        volume,
        began_at_utc as observed_at_utc
    from bars
    where quarantine_reason is not null

    union all

    select
        feed,
        source_date,
        source_row,
        load_id,
        contract as instrument,
        quarantine_reason as reason,
        last_price as price,
        volume,
        snapshot_at_utc as observed_at_utc
    from snapshots
    where quarantine_reason is not null

)

select * from rejected
