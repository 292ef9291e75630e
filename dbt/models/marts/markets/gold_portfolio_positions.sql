{{
    config(
        materialized='replace_partitions',
        partition_by=trading_date(),
        event_time='trading_date',
        batch_rows=0,
    )
}}
{#- Each day begins with the positions of the day before: see macros/replace_partitions/README.md. #}
{%- set partitions = partitions_to_build(expected_position_days()) %}
{%- set carried_columns = [
    ('trader_id', dbt.type_string()), ('symbol', dbt.type_string()), ('net_quantity', 'double'),
    ('avg_entry_price', 'double'), ('avg_entry_at', dbt.type_timestamp()), ('last_price', 'double'),
] %}

with

all_days as (

    {{ expected_position_days() }}

),

days as (

    {{ rows_of_partitions('all_days', partitions) }}

),

trades as (

    {{ rows_of_partitions(by_trading_date('silver_trades'), partitions) }}

),

day_before as (

    {{ rows_before(partitions, carried_columns) }}

),

carried as (

    select
        days.trading_date,
        day_before.*
    from day_before
    cross join days

),

entries as (

    {{ position_entries('trades', 'carried') }}

),

folded as (

    select
        trading_date,
        trader_id,
        symbol,
        -- The linter does not know lambdas.
        {{ position_of_entries() }} as position_after -- noqa: PRS
    from entries
    group by trading_date, trader_id, symbol

),

last_prices as (

    select
        trading_date,
        symbol,
        {{ last_by('price', trade_order()) }} as last_price
    from trades
    group by trading_date, symbol

),

held as (

    select
        folded.trading_date,
        folded.trader_id,
        folded.symbol,
        {%- set position = 'folded.position_after' %}
        {{ field_of(position, 'quantity') }} as net_quantity,
        {{ field_of(position, 'price') }} as avg_entry_price,
        {{ add_minutes(dbt.cast('folded.trading_date', dbt.type_timestamp()), field_of(position, 'minute')) }}
            as avg_entry_at,
        -- Who holds a position in a symbol knows its price: it was traded on the day, or the position is carried.
        coalesce(last_prices.last_price, carried.last_price) as last_price
    from folded
    left join last_prices
        on folded.trading_date = last_prices.trading_date
        and folded.symbol = last_prices.symbol
    left join carried
        on folded.trading_date = carried.trading_date
        and folded.trader_id = carried.trader_id
        and folded.symbol = carried.symbol
    where {{ field_of(position, 'quantity') }} <> 0

),

positions as (

    select
        trading_date,
        trader_id,
        symbol,
        net_quantity,
        avg_entry_price,
        avg_entry_at,
        last_price,
        net_quantity * last_price as position_value,
        (last_price - avg_entry_price) * net_quantity as unrealized_pnl
    from held

)

select * from positions
