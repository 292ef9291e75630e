{#
    What every partition of fct_ticker_days is built from: the sessions of its day, and those of the trading day before,
    whose closing prices it compares with. So a day that is loaded late or again rebuilds the day after it, too.
#}
{% macro expected_ticker_days() -%}
    select
        days.feed,
        days.source_date,
        days.version || ' after ' || coalesce(days_before.version, 'none') as version,
        days.load_id,
        days.row_count
    from ({{ held_days('fct_ticker_sessions') }}) as days
    left join {{ ref('dim_trading_day') }} as trading_days
        on days.source_date = trading_days.trading_date
    left join ({{ held_days('fct_ticker_sessions') }}) as days_before
        on days.feed = days_before.feed
        and trading_days.previous_trading_date = days_before.source_date
{%- endmacro %}
