{{
    config(
        materialized='replace_partitions',
        partition_by=trading_date(),
        event_time='closed_at',
        batch_rows=1000000,
    )
}}
{%- set partitions = partitions_to_build(expected_closing_days()) %}

with

all_days as (

    {{ position_days() }}

),

days as (

    {{ rows_of_partitions('all_days', partitions) }}

),

trades as (

    {{ rows_of_partitions(by_trading_date('silver_trades'), partitions) }}

),

carried as (

    select
        days.trading_date,
        positions.trader_id,
        positions.symbol,
        positions.net_quantity,
        positions.avg_entry_price,
        positions.avg_entry_at
    from days
    inner join {{ ref('gold_portfolio_positions') }} as positions
        on days.previous_trading_date = positions.trading_date

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
        {{ closings_of_entries() }} as closings -- noqa: PRS
    from entries
    group by trading_date, trader_id, symbol

),

closings as (

    select
        trading_date,
        trader_id,
        symbol,
        {{ element_of_each('closings') }} as closing
    from folded

),

closing_trades as (

    select
        trading_date,
        trader_id,
        symbol,
        {{ field_of('closing', 'trade_id') }} as trade_id,
        {{ field_of('closing', 'closed_at') }} as closed_at,
        {{ field_of('closing', 'direction') }} as direction,
        {{ field_of('closing', 'closed_quantity') }} as closed_quantity,
        {{ field_of('closing', 'entry_price') }} as entry_price,
        {{ field_of('closing', 'exit_price') }} as exit_price,
        {{ field_of('closing', 'hold_minutes') }} as hold_minutes
    from closings

),

gains as (

    select
        trading_date,
        trader_id,
        symbol,
        trade_id,
        closed_at,
        direction > 0 as is_long,
        closed_quantity,
        entry_price,
        exit_price,
        {{ round_to('hold_minutes', 6) }} as hold_minutes,
        -- What is lost in the last digits of doubles is neither gain nor loss.
        {{ round_to('direction * (exit_price - entry_price) * closed_quantity', 8) }} as realized_pnl
    from closing_trades

)

select * from gains
