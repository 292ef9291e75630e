with

latest_of_days as (

    select * from {{ ref('int_trades_of_several_days') }}

),

decided as (

    select
        feed,
        trade_id,
        trade_date as source_date,
        first_value(trade_date) over (partition by feed, trade_id order by {{ latest_first() }}) as moved_to
    from latest_of_days

),

moved as (

    select distinct
        feed,
        source_date,
        trade_id,
        moved_to
    from decided
    where source_date <> moved_to

)

select * from moved
