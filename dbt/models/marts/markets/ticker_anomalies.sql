{{
    config(
        materialized='replace_partitions',
        partition_by=feed_and_source_date(),
        event_time='source_date',
    )
}}
{%- set partitions = partitions_to_build(expected_anomaly_days()) %}

with

days as (

    {{ expected_anomaly_days() }}

),

trading_days as (

    select * from {{ ref('dim_trading_day') }}

),

built_days as (

    {{ rows_of_partitions('days', partitions) }}

),

traded as (

    {{ rows_of_partitions(ref('fct_ticker_sessions'), partitions) }}

),

-- The last days loaded before, none of which is older than two months.
days_before as (

    select
        built_days.feed,
        built_days.source_date,
        days.source_date as earlier_date,
        -- A half-day has about half of a day's volume.
        this_day.session_hours / earlier_day.session_hours as length_ratio,
        count(*) over (partition by built_days.feed, built_days.source_date) as day_count
    from built_days
    inner join days
        on built_days.feed = days.feed
        and days.day_number between built_days.day_number - {{ days_compared_with() }} and built_days.day_number - 1
        and days.source_date >= {{ add_days('built_days.source_date', -60) }}
    inner join trading_days as this_day
        on built_days.source_date = this_day.trading_date
    inner join trading_days as earlier_day
        on days.source_date = earlier_day.trading_date

),

past as (

    select
        days_before.feed,
        days_before.source_date,
        earlier.ticker,
        count(*) as days_before,
        count(*) = min(days_before.day_count) as was_traded_daily,
        {{ median('earlier.volume * days_before.length_ratio') }} as median_volume,
        max(days_before.earlier_date) as previous_source_date,
        {{ last_by('earlier.close', 'days_before.earlier_date') }} as previous_close
    from days_before
    inner join {{ ref('fct_ticker_sessions') }} as earlier
        on days_before.feed = earlier.feed
        and days_before.earlier_date = earlier.source_date
    where earlier.session = 'market'
    group by days_before.feed, days_before.source_date, earlier.ticker
    having count(*) >= 10

),

compared as (

    select
        past.feed,
        past.source_date,
        past.ticker,
        built_days.load_id,
        past.days_before,
        past.was_traded_daily,
        traded.volume,
        past.median_volume,
        traded.volume / nullif(past.median_volume, 0) as volume_ratio,
        traded.close,
        past.previous_close,
        past.previous_source_date,
        traded.close / past.previous_close as close_ratio,
        greatest(traded.close / past.previous_close, past.previous_close / traded.close) as price_factor,
        -- Of tickers that are hardly traded, volume says nothing.
        past.median_volume >= 10000 as is_liquid
    from past
    inner join built_days
        on past.feed = built_days.feed
        and past.source_date = built_days.source_date
    left join traded
        on past.feed = traded.feed
        and past.source_date = traded.source_date
        and past.ticker = traded.ticker
        and traded.session = 'market'

),

judged as (

    select
        *,
        case
            when volume is null and was_traded_daily and is_liquid then 'not_traded'
            -- A split gives a whole number of shares for one, or one for several.
            when price_factor >= 1.9 and abs(price_factor - {{ round_to('price_factor', 0) }}) <= 0.03 * price_factor
                then 'likely_split'
            when price_factor >= 1.5 then 'price_jump'
            when volume_ratio >= 10 and is_liquid then 'volume_spike'
            when volume_ratio <= 0.1 and is_liquid then 'volume_drop'
        end as reason
    from compared

),

anomalies as (

    select
        feed,
        source_date,
        ticker,
        load_id,
        reason,
        volume,
        median_volume,
        volume_ratio,
        close,
        previous_close,
        previous_source_date,
        close_ratio,
        days_before
    from judged
    where reason is not null

)

select * from anomalies
