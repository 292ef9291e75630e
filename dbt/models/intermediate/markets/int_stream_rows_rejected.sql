with

{% for model, identifier, event_time in [
    ('int_trade_rows', 'trade_id', 'trade_timestamp'),
    ('int_orderbook_rows', 'symbol', 'snapshot_timestamp'),
    ('int_market_data_rows', 'symbol', 'interval_start'),
] -%}
of_{{ model }} as (

    select
        feed,
        source_date,
        kafka_offset as source_row,
        kafka_partition,
        kafka_offset,
        load_id,
        {{ identifier }} as identifier,
        quarantine_reason as reason,
        {{ event_time }} as event_time,
        event_timestamp
    from {{ ref(model) }}
    where quarantine_reason is not null

),

{% endfor -%}
rejected as (

    select * from of_int_trade_rows
    union all
    select * from of_int_orderbook_rows
    union all
    select * from of_int_market_data_rows

)

select * from rejected
