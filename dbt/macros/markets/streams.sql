{# For a window over messages about the same thing: the one that is right comes first. #}
{% macro latest_first() -%}
    event_timestamp desc nulls last, kafka_timestamp desc, kafka_partition desc, kafka_offset desc
{%- endmacro %}

{# Whether a number may be missing but is no count or price if it is there: zero, negative or not a number. #}
{% macro is_wrong_if_present(column) %}{{ return("(" ~ column ~ " is not null and not " ~ is_price(column) ~ ")") }}{% endmacro %}

{# The columns of the levels of an order book, such as bid_price_1: of prices, of sizes, or of both. #}
{% macro order_book_levels(whats=['price', 'size']) -%}
    {%- set names = [] -%}
    {%- for side in ['bid', 'ask'] -%}
        {%- for level in [1, 2, 3] -%}
            {%- for what in whats -%}{%- do names.append(side ~ "_" ~ what ~ "_" ~ level) -%}{%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# Whether a price of an order book is there and is none. #}
{% macro has_wrong_level() -%}
    {%- set wrong = [] -%}
    {%- for name in order_book_levels(['price']) -%}{%- do wrong.append(is_wrong_if_present(name)) -%}{%- endfor -%}
    {{ return(wrong | join(" or ")) }}
{%- endmacro %}

{#
    What every partition of silver_trades is built from: its messages, and which of its trades a later message moved to
    another day. So a correction that moves a trade rebuilds the day that it leaves, however old that is.
#}
{% macro expected_trade_days() -%}
    select
        searched.feed,
        searched.source_date,
        searched.version || coalesce(' without ' || moved.version, '') as version,
        searched.load_id,
        loaded.row_count
    from ({{ held_days('int_trades_of_several_days') }}) as searched
    inner join ({{ loaded_days('stg_exchange__trades') }}) as loaded
        on searched.feed = loaded.feed
        and searched.source_date = loaded.source_date
    left join (
        select
            feed,
            source_date,
            {{ dbt.hash(dbt.listagg('trade_id', "' '", 'order by trade_id')) }} as version
        from {{ ref('int_trades_moved') }}
        group by feed, source_date
    ) as moved
        on searched.feed = moved.feed
        and searched.source_date = moved.source_date
{%- endmacro %}
