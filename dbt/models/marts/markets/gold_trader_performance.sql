{{
    config(
        materialized='replace_partitions',
        partition_by=trading_date(),
        event_time='trading_date',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(expected_performance_days()) %}

with

activity as (

    {{ rows_of_partitions(by_trading_date('silver_trader_activity'), partitions) }}

),

closing_trades as (

    {{ rows_of_partitions(ref('gold_closing_trades'), partitions) }}

),

traded as (

    select
        trading_date,
        trader_id,
        cast(sum(trade_count) as bigint) as trade_count,
        {{ rounded('sum(total_volume)', 4) }} as total_volume,
        {{ rounded('sum(total_notional)', 4) }} as total_notional
    from activity
    group by trading_date, trader_id

),

cumulated as (

    select
        *,
        sum(realized_pnl) over (
            partition by trading_date, trader_id
            order by closed_at, trade_id
            rows between unbounded preceding and current row
        ) as cumulative_pnl
    from closing_trades

),

drawn_down as (

    select
        *,
        -- The day begins at 0, so that a first loss is a fall, too.
        greatest(0, max(cumulative_pnl) over (
            partition by trading_date, trader_id
            order by closed_at, trade_id
            rows between unbounded preceding and current row
        )) - cumulative_pnl as drawdown
    from cumulated

),

closed as (

    select
        trading_date,
        trader_id,
        count(*) as closing_trade_count,
        count(case when realized_pnl > 0 then 1 end) as winning_trade_count,
        {{ rounded('sum(realized_pnl)', 8) }} as realized_pnl,
        {{ rounded('max(drawdown)', 8) }} as max_drawdown,
        {{ rounded('sum(hold_minutes * closed_quantity) / sum(closed_quantity)', 6) }} as avg_hold_minutes,
        case
            when max(realized_pnl) > min(realized_pnl)
                then {{ rounded('avg(realized_pnl) / stddev_samp(realized_pnl)', 8) }}
        end as sharpe_proxy
    from drawn_down
    group by trading_date, trader_id

),

performance as (

    select
        traded.trading_date,
        traded.trader_id,
        traded.trade_count,
        traded.total_volume,
        traded.total_notional,
        coalesce(closed.closing_trade_count, 0) as closing_trade_count,
        coalesce(closed.winning_trade_count, 0) as winning_trade_count,
        cast(closed.winning_trade_count as double) / closed.closing_trade_count as win_rate,
        coalesce(closed.realized_pnl, 0) as realized_pnl,
        coalesce(closed.max_drawdown, 0) as max_drawdown,
        closed.avg_hold_minutes,
        closed.sharpe_proxy
    from traded
    left join closed
        on traded.trading_date = closed.trading_date
        and traded.trader_id = closed.trader_id

)

select * from performance
