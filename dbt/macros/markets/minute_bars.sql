{#
    The rows of minute files that are in some partitions, with New York's clock, session and the reason for quarantine,
    as CTEs of which the last is `judged`. Not a view: the search for repeated minutes would read all history.
#}
{% macro judged_minute_bars(partitions) -%}
published as (

    {{ rows_of_partitions(ref('stg_flat_files__minute_aggs'), partitions) }}

),

trading_days as (

    select * from {{ ref('int_trading_days') }}

),

repeated as (

    select
        feed,
        source_date,
        ticker,
        window_start,
        min(source_row) as first_row
    from published
    group by feed, source_date, ticker, window_start
    having count(*) > 1

),

placed as (

    select
        published.*,
        trading_days.trading_date,
        trading_days.premarket_opens_at,
        trading_days.opens_at,
        trading_days.closes_at,
        trading_days.postmarket_closes_at,
        repeated.first_row,
        {{ dbt.dateadd('minute', 'trading_days.utc_offset_minutes', 'published.minute_utc') | trim }} as minute_new_york
    from published
    left join trading_days
        on published.source_date = trading_days.trading_date
    left join repeated
        on published.feed = repeated.feed
        and published.source_date = repeated.source_date
        and published.ticker = repeated.ticker
        and published.window_start = repeated.window_start

),

judged as (

    select
        *,
        {{ session_of('minute_new_york') }} as session,
        case
            when ticker is null then 'no_ticker'
            when window_start is null then 'no_time'
            when trading_date is null then 'not_a_trading_day'
            when cast(minute_new_york as date) <> source_date then 'minute_of_another_day'
            when window_start % 60000000000 <> 0 then 'not_the_start_of_a_minute'
            when source_row > first_row then 'repeated_minute'
            else {{ fault_of_bar() | indent(12) }}
        end as quarantine_reason
    from placed

)
{%- endmacro %}
