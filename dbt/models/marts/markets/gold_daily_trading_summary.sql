{{
    config(
        materialized='replace_partitions',
        partition_by=trading_date(),
        event_time='trading_date',
        batch_rows=4000000,
    )
}}
{%- set partitions = partitions_to_build(expected_summary_days()) %}

with

trades as (

    {{ rows_of_partitions(by_trading_date('silver_trades'), partitions) }}

),

snapshots as (

    {{ rows_of_partitions(by_trading_date('silver_orderbook_snapshots'), partitions) }}

),

intervals as (

    {{ rows_of_partitions(by_trading_date('silver_market_data'), partitions) }}

),

-- Each side has one row of a symbol before they are joined. Otherwise trades would count once for each interval.
traded as (

    select
        trading_date,
        symbol,
        {{ first_by('price', trade_order()) }} as open_price,
        max(price) as high_price,
        min(price) as low_price,
        {{ last_by('price', trade_order()) }} as close_price,
        {{ rounded('sum(quantity)', 4) }} as total_volume,
        {{ rounded('sum(case when price is not null then quantity end)', 4) }} as priced_volume,
        count(*) as trade_count,
        {{ rounded('sum(notional)', 4) }} as total_notional,
        {{ rounded('sum(notional) / sum(case when price is not null then quantity end)', 6) }} as vwap
    from trades
    group by trading_date, symbol

),

quoted as (

    select
        trading_date,
        symbol,
        {{ rounded('avg(spread)', 6) }} as avg_spread
    from snapshots
    group by trading_date, symbol

),

priced as (

    select
        trading_date,
        symbol,
        {{ first_by('open', 'interval_start') }} as first_open,
        {{ last_by('close', 'interval_start') }} as last_close
    from intervals
    group by trading_date, symbol

),

summary as (

    select
        traded.trading_date,
        traded.symbol,
        traded.open_price,
        traded.high_price,
        traded.low_price,
        traded.close_price,
        traded.total_volume,
        traded.priced_volume,
        traded.trade_count,
        traded.total_notional,
        traded.vwap,
        quoted.avg_spread,
        {{ round_to('priced.last_close - priced.first_open', 6) }} as price_change,
        {{ round_to('100 * (priced.last_close - priced.first_open) / priced.first_open', 6) }} as price_change_pct
    from traded
    left join quoted
        on traded.trading_date = quoted.trading_date
        and traded.symbol = quoted.symbol
    left join priced
        on traded.trading_date = priced.trading_date
        and traded.symbol = priced.symbol

)

select * from summary
