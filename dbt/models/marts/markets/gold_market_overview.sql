{{
    config(
        materialized='replace_partitions',
        partition_by=trading_date(),
        event_time='trading_date',
    )
}}
{%- set partitions = partitions_to_build(expected_overview_days()) %}
{%- set mover = [('symbol', 'symbol', 'varchar'), ('price_change_pct', 'price_change_pct', 'double')] %}

with

symbols as (

    {{ rows_of_partitions(ref('gold_daily_trading_summary'), partitions) }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by trading_date order by price_change_pct desc nulls last, symbol asc
        ) as rank_from_top,
        row_number() over (
            partition by trading_date order by price_change_pct asc nulls last, symbol asc
        ) as rank_from_bottom
    from symbols

),

gainers as (

    select
        trading_date,
        {{ json_of_objects(mover, ['rank_from_top']) }} as top_5_gainers
    from ranked
    where rank_from_top <= 5 and price_change_pct > 0
    group by trading_date

),

losers as (

    select
        trading_date,
        {{ json_of_objects(mover, ['rank_from_bottom']) }} as top_5_losers
    from ranked
    where rank_from_bottom <= 5 and price_change_pct < 0
    group by trading_date

),

totals as (

    select
        trading_date,
        {{ rounded('sum(total_volume)', 4) }} as total_volume,
        {{ rounded('sum(total_notional)', 4) }} as total_notional,
        cast(sum(trade_count) as bigint) as trade_count,
        count(case when price_change > 0 then 1 end) as advancing_symbols,
        count(case when price_change < 0 then 1 end) as declining_symbols,
        count(case when price_change = 0 then 1 end) as unchanged_symbols,
        {{ rounded('sum(total_notional) / sum(priced_volume)', 6) }} as market_vwap
    from symbols
    group by trading_date

),

overview as (

    select
        totals.trading_date,
        totals.total_volume,
        totals.total_notional,
        totals.trade_count,
        totals.advancing_symbols,
        totals.declining_symbols,
        totals.unchanged_symbols,
        coalesce(gainers.top_5_gainers, '[]') as top_5_gainers,
        coalesce(losers.top_5_losers, '[]') as top_5_losers,
        totals.market_vwap
    from totals
    left join gainers
        on totals.trading_date = gainers.trading_date
    left join losers
        on totals.trading_date = losers.trading_date

)

select * from overview
