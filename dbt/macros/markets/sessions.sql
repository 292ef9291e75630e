{#
    The session that a minute of New York's clock is in. It wants the columns of int_trading_days. Source: the hours of
    the exchange, https://www.nyse.com/markets/hours-calendars
#}
{% macro session_of(minute) -%}
    case
        when {{ minute }} < premarket_opens_at then 'closed'
        when {{ minute }} < opens_at then 'premarket'
        when {{ minute }} < closes_at then 'market'
        when {{ minute }} < postmarket_closes_at then 'postmarket'
        else 'closed'
    end
{%- endmacro %}
