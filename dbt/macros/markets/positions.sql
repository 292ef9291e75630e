{#
    Positions at average cost. A position has a signed `quantity` (above 0 long, below 0 short), the average `price` at
    which it was entered, and the average `minute` of that, from the midnight (UTC) with which the trading date begins.

    Trades in the direction of a position add to it, and change the averages. Trades against it close as much of it, and
    leave the averages. One that closes more than there is opens the rest at its own price.
#}

{#
    What positions are made of, a row each: what is carried into a day, as its entry number 0, and its trades. Those
    without a trader, price, quantity or side change no position. `carried` has the columns of gold_portfolio_positions.
#}
{% macro position_entries(trades, carried) -%}
    select
        trading_date,
        trader_id,
        symbol,
        0 as entry_number,
        {{ dbt.cast('null', dbt.type_string()) }} as trade_id,
        {{ dbt.cast('null', dbt.type_timestamp()) }} as trade_timestamp,
        net_quantity as quantity,
        avg_entry_price as price,
        {{ minutes_between(dbt.cast('trading_date', dbt.type_timestamp()), 'avg_entry_at') }} as minute
    from {{ carried }}
    union all
    select
        trading_date,
        trader_id,
        symbol,
        1 as entry_number,
        trade_id,
        trade_timestamp,
        case side when 'BUY' then quantity else -quantity end as quantity,
        price,
        {{ minutes_between(dbt.cast('trading_date', dbt.type_timestamp()), 'trade_timestamp') }} as minute
    from {{ trades }}
    where trader_id is not null and price is not null and quantity > 0 and side in ('BUY', 'SELL')
{%- endmacro %}

{# An aggregate over the entries of a position: how it stands after the last of them. #}
{% macro position_of_entries() -%}
    {%- set fields = [('quantity', 'quantity'), ('price', 'price'), ('minute', 'minute')] -%}
    {{ return(fold_list(list_in_order(struct_of(fields), order_of_entries()), struct_of(position_after()))) }}
{%- endmacro %}

{# The same with `closings`: for each trade that closed some of the position, what it closed and how that was entered. #}
{% macro closings_of_entries() -%}
    {%- set names = [
        ('trade_id', dbt.type_string()), ('closed_at', dbt.type_timestamp()), ('direction', 'double'),
        ('closed_quantity', 'double'), ('exit_price', 'double'), ('entry_price', 'double'), ('hold_minutes', 'double'),
    ] -%}
    {%- set fields = [
        ('quantity', 'quantity'), ('price', 'price'), ('minute', 'minute'), ('trade_id', 'trade_id'),
        ('traded_at', 'trade_timestamp'), ('closings', empty_list_of_structs(names)),
    ] -%}
    {%- set closing = struct_of([
        ('trade_id', 'element.trade_id'), ('closed_at', 'element.traded_at'), ('direction', 'sign(before.quantity)'),
        ('closed_quantity', 'least(abs(before.quantity), abs(element.quantity))'), ('exit_price', 'element.price'),
        ('entry_price', 'before.price'), ('hold_minutes', 'element.minute - before.minute'),
    ]) -%}
    {%- set closings -%}
        case
            when before.quantity * element.quantity < 0 then {{ list_with('before.closings', closing) }}
            else before.closings
        end
    {%- endset -%}
    {%- set after = position_after() + [
        ('trade_id', 'element.trade_id'), ('traded_at', 'element.traded_at'), ('closings', closings),
    ] -%}
    {%- set folded = fold_list(list_in_order(struct_of(fields), order_of_entries()), struct_of(after)) -%}
    {{ return(field_of(folded, 'closings')) }}
{%- endmacro %}

{% macro order_of_entries() %}{{ return(['entry_number', 'trade_timestamp', 'trade_id']) }}{% endmacro %}

{# The fields of a position after an entry. Sums of doubles are off by less than the millionth of a share. #}
{% macro position_after() -%}
    {{ return([
        ('quantity', round_to('before.quantity + element.quantity', 6)),
        ('price', averaged_after('price')),
        ('minute', averaged_after('minute')),
    ]) }}
{%- endmacro %}

{% macro averaged_after(name) -%}
    case
        when before.quantity * element.quantity >= 0 then
            (before.{{ name }} * abs(before.quantity) + element.{{ name }} * abs(element.quantity))
            / (abs(before.quantity) + abs(element.quantity))
        when abs(element.quantity) > abs(before.quantity) then element.{{ name }}
        else before.{{ name }}
    end
{%- endmacro %}
