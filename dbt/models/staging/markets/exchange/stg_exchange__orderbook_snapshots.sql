with

source as (

    select * from {{ source('raw_data', 'orderbook_snapshots') }}

),

renamed as (

    select
        -- ids
        feed,
        source_date,
        kafka_partition,
        kafka_offset,
        _dlt_load_id as load_id,
        nullif(upper({{ trimmed('symbol') }}), '') as symbol,
        nullif(upper({{ trimmed('exchange') }}), '') as exchange,

        -- numbers
        {% for name in order_book_levels() -%}
        {{ round_to(name, 2) ~ " as " ~ name if "price" in name else name }},
        {% endfor %}
        -- times
        snapshot_timestamp,
        event_timestamp,
        kafka_timestamp
    from source

)

select * from renamed
