{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
    )
}}
{%- set partitions = partitions_to_build(loaded_days('stg_broker__options_bars')) %}

with

bars as (

    {{ rows_of_partitions(ref('int_option_bar_rows'), partitions) }}

),

kept as (

    select
        feed,
        source_date,
        source_row,
        load_id,
        contract,
        underlying,
        open,
        high,
        low,
        close,
        volume,
        trade_count,
        vwap
    from bars
    where quarantine_reason is null

)

select * from kept
