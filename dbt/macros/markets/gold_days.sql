{# For the configuration of a model whose partitions are days of trading: partition_by. #}
{% macro trading_date() -%}
    {{ return([{'field': 'trading_date', 'data_type': 'date', 'granularity': 'day'}]) }}
{%- endmacro %}

{# The rows of a silver model of events, with the day as gold calls it. To be read by rows_of_partitions. #}
{% macro by_trading_date(model_name) -%}
    {{ return("(select *, source_date as trading_date from " ~ ref(model_name) ~ ") as events") }}
{%- endmacro %}

{# In which order trades count: redelivered messages have other offsets, but the same ids. #}
{% macro trade_order() -%}
    {{ return(struct_of([('traded_at', 'trade_timestamp'), ('trade_id', 'trade_id')])) }}
{%- endmacro %}

{# What every partition of gold_daily_trading_summary is built from: the trades of its day, order books and prices. #}
{% macro expected_summary_days() -%}
    select
        trades.source_date as trading_date,
        trades.version
        || ' with ' || coalesce(books.version, 'none')
        || ' and ' || coalesce(prices.version, 'none') as version,
        cast(null as {{ dbt.type_string() }}) as load_id,
        trades.row_count + coalesce(books.row_count, 0) + coalesce(prices.row_count, 0) as row_count
    from ({{ held_days('silver_trades') }}) as trades
    left join ({{ held_days('silver_orderbook_snapshots') }}) as books
        on trades.source_date = books.source_date
    left join ({{ held_days('silver_market_data') }}) as prices
        on trades.source_date = prices.source_date
{%- endmacro %}

{# What every partition of gold_market_overview is built from. #}
{% macro expected_overview_days() -%}
    select source_date as trading_date, version, load_id, row_count
    from ({{ held_days('gold_daily_trading_summary') }}) as days
{%- endmacro %}

{#
    What every partition of gold_portfolio_positions is built from: its trades and those of all days before. Trading days
    without a trade have positions, too.
#}
{% macro expected_position_days() -%}
    select
        trading_date,
        {{ version_with_all_before('trading_date', 'version') }} as version,
        cast(null as {{ dbt.type_string() }}) as load_id,
        0 as row_count
    from (
        select source_date as trading_date, version
        from ({{ held_days('silver_trades') }}) as trade_days
        union all
        select calendar.trading_date, 'no trades'
        from {{ ref('dim_trading_day') }} as calendar
        cross join (
            select min(source_date) as first_day, max(source_date) as last_day
            from ({{ held_days('silver_trades') }}) as trade_days
        ) as span
        left join ({{ held_days('silver_trades') }}) as trade_days
            on calendar.trading_date = trade_days.source_date
        where
            calendar.trading_date between span.first_day and span.last_day
            and trade_days.source_date is null
    ) as days
{%- endmacro %}

{# The days that have positions, each with the one before and what that was built from. #}
{% macro position_days() -%}
    select
        source_date as trading_date,
        lag(source_date) over (order by source_date) as previous_trading_date,
        lag(version) over (order by source_date) as previous_version
    from ({{ held_days('gold_portfolio_positions') }}) as days
{%- endmacro %}

{# What every partition of gold_closing_trades is built from: the trades of its day, and the positions before it. #}
{% macro expected_closing_days() -%}
    select
        trades.source_date as trading_date,
        trades.version || ' after ' || coalesce(days.previous_version, 'none') as version,
        cast(null as {{ dbt.type_string() }}) as load_id,
        trades.row_count
    from ({{ held_days('silver_trades') }}) as trades
    left join ({{ position_days() }}) as days
        on trades.source_date = days.trading_date
{%- endmacro %}

{# What every partition of gold_trader_performance is built from: what was traded, and what was closed. #}
{% macro expected_performance_days() -%}
    select
        activity.source_date as trading_date,
        activity.version || ' closing ' || coalesce(closings.version, 'none') as version,
        cast(null as {{ dbt.type_string() }}) as load_id,
        activity.row_count + coalesce(closings.row_count, 0) as row_count
    from ({{ held_days('silver_trader_activity') }}) as activity
    left join ({{ held_days('gold_closing_trades') }}) as closings
        on activity.source_date = closings.source_date
{%- endmacro %}
