{#- Rows are counted in the tables, because the tables are what is checked. -#}
{%- set streams = registered_feeds() | selectattr('is_stream') | list -%}
with

offsets as (

    select * from {{ source('meta', 'stream_offsets') }}

),

rejects as (

    select * from {{ source('streams', 'stream_rejects') }}

),

messages as (

    {% for feed in streams -%}
    select
        '{{ feed.feed }}' as feed,
        kafka_partition,
        count(*) as row_count
    from {{ source('raw_data', feed.raw_table) }}
    where feed = '{{ feed.feed }}'
    group by kafka_partition
    {{ "union all" if not loop.last }}
    {% endfor %}
),

rejected as (

    select
        feed,
        kafka_partition,
        count(*) as row_count
    from rejects
    group by feed, kafka_partition

),

-- Rows of a partition of which the ledger knows nothing are told, too.
partitions as (

    select
        feed,
        kafka_partition
    from offsets
    union distinct
    select
        feed,
        kafka_partition
    from messages
    union distinct
    select
        feed,
        kafka_partition
    from rejected

),

counted as (

    select
        partitions.feed,
        offsets.topic,
        partitions.kafka_partition,
        offsets.first_offset,
        offsets.next_offset,
        offsets.end_offset,
        offsets.last_message_at,
        offsets.updated_at,
        coalesce(offsets.next_offset - offsets.first_offset, 0) as read_offsets,
        coalesce(offsets.rows, 0) as published,
        coalesce(messages.row_count, 0) as in_raw_data,
        coalesce(offsets.rejected, 0) as rejected,
        coalesce(rejected.row_count, 0) as in_rejects,
        coalesce(offsets.skipped, 0) as skipped
    from partitions
    left join offsets
        on partitions.feed = offsets.feed
        and partitions.kafka_partition = offsets.kafka_partition
    left join messages
        on partitions.feed = messages.feed
        and partitions.kafka_partition = messages.kafka_partition
    left join rejected
        on partitions.feed = rejected.feed
        and partitions.kafka_partition = rejected.kafka_partition

)

select * from counted
