{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='event_timestamp',
    )
}}
{#-
    A day looks for its trades among the messages of all others. A day that was built before is not built again when a
    later one finds its trades there: the later one says so of both. So each pair of days is found by the one that is
    built last, and a new message costs its day and one column of the history.
-#}
{%- set partitions = partitions_to_build(loaded_days('stg_exchange__trades')) %}

with

messages as (

    {{ rows_of_partitions(ref('stg_exchange__trades'), partitions) }}

),

all_ids as (

    select
        trade_id,
        source_date
    from {{ ref('stg_exchange__trades') }}

),

sound_messages as (

    select * from {{ ref('int_trade_messages') }}
    where fault is null

),

found_elsewhere as (

    select distinct
        messages.feed,
        messages.source_date,
        messages.trade_id
    from messages
    inner join all_ids
        on messages.trade_id = all_ids.trade_id
        and messages.source_date <> all_ids.source_date

),

ranked as (

    select
        found_elsewhere.feed,
        found_elsewhere.source_date,
        found_elsewhere.trade_id,
        sound_messages.source_date as trade_date,
        sound_messages.event_timestamp,
        sound_messages.kafka_timestamp,
        sound_messages.kafka_partition,
        sound_messages.kafka_offset,
        row_number() over (
            partition by found_elsewhere.source_date, found_elsewhere.trade_id, sound_messages.source_date
            order by {{ latest_first() }}
        ) as age
    from found_elsewhere
    inner join sound_messages
        on found_elsewhere.trade_id = sound_messages.trade_id

),

latest_of_days as (

    select
        feed,
        source_date,
        trade_id,
        trade_date,
        event_timestamp,
        kafka_timestamp,
        kafka_partition,
        kafka_offset
    from ranked
    where age = 1

)

select * from latest_of_days
