{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
    )
}}
{%- set partitions = partitions_to_build(held_days('fct_options_snapshots')) %}

with

snapshots as (

    {{ rows_of_partitions(ref('fct_options_snapshots'), partitions) }}

),

-- The expiry that implied volatility is read from: the one nearest to 30 days.
ranked_expiries as (

    select
        feed,
        source_date,
        underlying,
        expiration_date,
        row_number() over (
            partition by feed, source_date, underlying order by abs(days_to_expiry - 30), expiration_date
        ) as distance_rank
    from snapshots
    where implied_volatility > 0
    group by feed, source_date, underlying, expiration_date, days_to_expiry

),

near_30_days as (

    select snapshots.*
    from snapshots
    inner join ranked_expiries
        on snapshots.feed = ranked_expiries.feed
        and snapshots.source_date = ranked_expiries.source_date
        and snapshots.underlying = ranked_expiries.underlying
        and snapshots.expiration_date = ranked_expiries.expiration_date
    where ranked_expiries.distance_rank = 1 and snapshots.implied_volatility > 0

),

ranked_contracts as (

    select
        *,
        dense_rank() over (
            partition by feed, source_date, underlying order by abs(strike - underlying_price) nulls last, strike
        ) as strike_rank,
        row_number() over (
            partition by feed, source_date, underlying, option_type
            order by abs(abs(delta) - 0.25) nulls last, contract
        ) as wing_rank,
        coalesce(abs(abs(delta) - 0.25) <= 0.1, false) as is_wing
    from near_30_days

),

volatilities as (

    select
        feed,
        source_date,
        underlying,
        min(expiration_date) as volatility_expiry,
        avg(case when strike_rank = 1 and underlying_price > 0 then implied_volatility end) as atm_implied_volatility,
        max(case when option_type = 'put' and wing_rank = 1 and is_wing then implied_volatility end)
        - max(case when option_type = 'call' and wing_rank = 1 and is_wing then implied_volatility end)
            as volatility_skew
    from ranked_contracts
    group by feed, source_date, underlying

),

counted as (

    select
        feed,
        source_date,
        underlying,
        min(load_id) as load_id,
        count(*) as contract_count,
        max(underlying_price) as underlying_price,
        sum(case when option_type = 'call' then coalesce(volume, 0) else 0 end) as call_volume,
        sum(case when option_type = 'put' then coalesce(volume, 0) else 0 end) as put_volume,
        sum(case when option_type = 'call' then coalesce(open_interest, 0) else 0 end) as call_open_interest,
        sum(case when option_type = 'put' then coalesce(open_interest, 0) else 0 end) as put_open_interest
    from snapshots
    group by feed, source_date, underlying

),

chains as (

    select
        counted.*,
        volatilities.volatility_expiry,
        volatilities.atm_implied_volatility,
        volatilities.volatility_skew
    from counted
    left join volatilities
        on counted.feed = volatilities.feed
        and counted.source_date = volatilities.source_date
        and counted.underlying = volatilities.underlying

)

select * from chains
