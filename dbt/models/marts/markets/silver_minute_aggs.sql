{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='timestamp',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(loaded_days('stg_flat_files__minute_aggs')) %}

with

{{ judged_minute_bars(partitions) }},

enriched as (

    select
        -- ids
        feed,
        source_date,
        source_row,
        load_id,
        ticker,
        session,

        -- numbers
        open,
        high,
        low,
        close,
        volume,
        transactions,
        avg(close) over last_15_bars as rolling_15m_avg_close,
        avg(volume) over last_15_bars as rolling_15m_avg_volume,
        max(high) over last_15_bars as rolling_15m_high,
        min(low) over last_15_bars as rolling_15m_low,
        sum(volume) over last_15_bars as rolling_15m_total_volume,

        -- times
        window_start,
        minute_new_york as timestamp
    from judged
    where quarantine_reason is null
    window last_15_bars as (
        partition by source_date, ticker
        order by window_start
        rows between 14 preceding and current row
    )

)

select * from enriched
