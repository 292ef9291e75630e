{#- Small, and each day depends on all before it: built whole. -#}
with

chains as (

    select * from {{ ref('int_chain_days') }}

),

candles as (

    select * from {{ ref('fct_candles_daily') }}

),

returns as (

    select
        symbol,
        source_date,
        close,
        ln(close / lag(close) over (partition by symbol order by source_date)) as log_return
    from candles

),

-- 20 returns make a trading month; a year has 252 trading days.
realised as (

    select
        symbol,
        source_date,
        close,
        case
            when count(log_return) over last_20_returns = 20
                then stddev_samp(log_return) over last_20_returns * sqrt(252)
        end as realised_volatility
    from returns
    window last_20_returns as (
        partition by symbol order by source_date rows between 19 preceding and current row
    )

),

priced as (

    select
        chains.*,
        realised.close as close_price,
        realised.realised_volatility,
        chains.put_volume / nullif(chains.call_volume, 0) as put_call_ratio_volume,
        chains.put_open_interest / nullif(chains.call_open_interest, 0) as put_call_ratio_open_interest,
        min(chains.atm_implied_volatility) over until_then as lowest_implied_volatility,
        max(chains.atm_implied_volatility) over until_then as highest_implied_volatility,
        count(chains.atm_implied_volatility) over until_then as implied_volatility_days
    from chains
    left join realised
        on chains.underlying = realised.symbol
        and chains.source_date = realised.source_date
    window until_then as (
        partition by chains.underlying
        order by chains.source_date
        rows between unbounded preceding and current row
    )

),

lower_days as (

    select
        later.underlying,
        later.source_date,
        count(*) as earlier_days,
        sum(case when earlier.atm_implied_volatility < later.atm_implied_volatility then 1 else 0 end)
            as lower_day_count
    from chains as later
    inner join chains as earlier
        on later.underlying = earlier.underlying
        and later.source_date > earlier.source_date
    where later.atm_implied_volatility is not null and earlier.atm_implied_volatility is not null
    group by later.underlying, later.source_date

),

ranked as (

    select
        priced.*,
        -- Of one day, or where all days are alike, there is no rank.
        (priced.atm_implied_volatility - priced.lowest_implied_volatility)
        / nullif(priced.highest_implied_volatility - priced.lowest_implied_volatility, 0) as implied_volatility_rank,
        cast(lower_days.lower_day_count as double) / lower_days.earlier_days as implied_volatility_percentile
    from priced
    left join lower_days
        on priced.underlying = lower_days.underlying
        and priced.source_date = lower_days.source_date

),

described as (

    select
        underlying,
        source_date,
        contract_count,
        coalesce(close_price, underlying_price) as underlying_price,
        call_volume,
        put_volume,
        call_open_interest,
        put_open_interest,
        put_call_ratio_volume,
        put_call_ratio_open_interest,
        volatility_expiry,
        atm_implied_volatility,
        implied_volatility_rank,
        implied_volatility_percentile,
        implied_volatility_days,
        volatility_skew,
        realised_volatility,
        atm_implied_volatility - realised_volatility as volatility_premium,
        coalesce(implied_volatility_days >= 20 and implied_volatility_rank >= 0.8, false) as is_volatility_high,
        coalesce(implied_volatility_days >= 20 and implied_volatility_rank <= 0.2, false) as is_volatility_low,
        coalesce(put_call_ratio_volume >= 1.5, false) as is_put_heavy,
        coalesce(put_call_ratio_volume <= 0.5, false) as is_call_heavy
    from ranked

)

select * from described
