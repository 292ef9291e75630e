{{ config(meta={'dagster': {'ref': {'name': 'silver_trades'}}}) }}
-- Trades are joined with what their trader and symbol were on their day. Two versions of one day would double them.
{%- set recent = is_recent(ref('silver_trades'), 'source_date', 7) %}
with

traded as (

    select distinct
        source_date,
        trader_id,
        symbol
    from {{ ref('silver_trades') }}
    where {{ recent }}

),

described as (

    select
        traded.source_date,
        traded.trader_id,
        traded.symbol,
        count(distinct traders.trader_version_id) as trader_versions,
        count(distinct symbols.symbol_version_id) as symbol_versions
    from traded
    left join {{ ref('dim_trader') }} as traders
        on traded.trader_id = traders.trader_id
        and {{ holds_on('traders', 'traded.source_date') }}
    left join {{ ref('dim_symbol') }} as symbols
        on traded.symbol = symbols.symbol
        and {{ holds_on('symbols', 'traded.source_date') }}
    group by traded.source_date, traded.trader_id, traded.symbol

)

select *
from described
where trader_versions > 1 or symbol_versions > 1
