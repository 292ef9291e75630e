with

messages as (

    select * from {{ ref('int_trade_messages') }}

),

moved as (

    select * from {{ ref('int_trades_moved') }}

),

-- A message with a fault does not correct one without.
ranked as (

    select
        *,
        row_number() over (
            partition by feed, source_date, trade_id, fault is null order by {{ latest_first() }}
        ) as age
    from messages

),

judged as (

    select
        ranked.*,
        case
            when ranked.fault is not null then ranked.fault
            when ranked.age > 1 or moved.trade_id is not null then 'superseded'
        end as quarantine_reason
    from ranked
    left join moved
        on ranked.feed = moved.feed
        and ranked.source_date = moved.source_date
        and ranked.trade_id = moved.trade_id

)

select * from judged
