{# Whether a price is a number above zero. #}
{% macro is_price(column) %}{{ return("coalesce(" ~ is_finite(column) ~ " and " ~ column ~ " > 0, false)") }}{% endmacro %}

{# Why a bar cannot be one, by its prices; null where it can. #}
{% macro fault_of_prices() -%}
    case
        when not ({% for name in ['open', 'high', 'low', 'close'] -%}
            {{ is_price(name) }}{{ " and " if not loop.last }}
        {%- endfor %}) then 'no_price'
        when high < low or open not between low and high or close not between low and high then 'price_outside_range'
    end
{%- endmacro %}

{# Why a bar cannot be one, by its prices and volume; null where it can. #}
{% macro fault_of_bar() -%}
    coalesce(
        {{ fault_of_prices() | indent(8) }},
        case when not coalesce({{ is_finite('volume') }} and volume >= 0, false) then 'no_volume' end
    )
{%- endmacro %}

{# The typical price of a bar, as the field's convention for VWAP has it. #}
{% macro typical_price() %}{{ return("((high + low + close) / 3)") }}{% endmacro %}
