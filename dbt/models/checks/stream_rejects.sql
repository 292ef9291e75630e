with

rejects as (

    select * from {{ source('streams', 'stream_rejects') }}

),

without_messages as (

    select
        feed,
        topic,
        kafka_partition,
        kafka_offset,
        kafka_timestamp,
        schema_id,
        reason,
        explanation
    from rejects

)

select * from without_messages
