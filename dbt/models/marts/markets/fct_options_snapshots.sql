{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='snapshot_at_utc',
    )
}}
{%- set partitions = partitions_to_build(loaded_days('stg_broker__options_snapshots')) %}

with

snapshots as (

    {{ rows_of_partitions(ref('int_option_snapshot_rows'), partitions) }}

),

described as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        contract,
        underlying,
        option_type,
        strike,
        expiration_date,
        cast({{ days_between('source_date', 'expiration_date') }} as bigint) as days_to_expiry,
        bid,
        ask,
        -- Without buyers, or with crossed quotes, nobody knows the price.
        case when bid > 0 and ask >= bid then (bid + ask) / 2 end as mid_price,
        coalesce(bid > ask, false) as is_crossed,
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
        snapshot_at_utc,
        quoted_at_utc,
        last_trade_at_utc
    from snapshots
    where quarantine_reason is null

)

select * from described
