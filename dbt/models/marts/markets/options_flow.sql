{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
    )
}}
{%- set partitions = partitions_to_build(expected_flow_days()) %}

with

snapshots as (

    {{ rows_of_partitions(ref('fct_options_snapshots'), partitions) }}

),

chains as (

    {{ chains_with_the_one_before() }}

),

all_snapshots as (

    select * from {{ ref('fct_options_snapshots') }}

),

flow as (

    select
        snapshots.feed,
        snapshots.source_date,
        snapshots.load_id,
        snapshots.underlying,
        snapshots.contract,
        snapshots.option_type,
        snapshots.strike,
        snapshots.expiration_date,
        chains.previous_source_date,
        snapshots.open_interest,
        previous.open_interest as previous_open_interest,
        snapshots.open_interest - previous.open_interest as open_interest_change,
        snapshots.volume,
        previous.volume as previous_volume,
        snapshots.volume - previous.volume as volume_change,
        snapshots.mid_price,
        -- A contract is of 100 shares.
        100 * snapshots.volume * coalesce(snapshots.mid_price, snapshots.last_price) as premium,
        chains.previous_source_date is not null and previous.contract is null as is_new_contract
    from snapshots
    inner join chains
        on snapshots.source_date = chains.source_date
        and snapshots.underlying = chains.underlying
    left join all_snapshots as previous
        on chains.previous_source_date = previous.source_date
        and snapshots.contract = previous.contract

)

select * from flow
