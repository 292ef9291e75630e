with

snapshots as (

    select * from {{ ref('stg_exchange__orderbook_snapshots') }}

),

checked as (

    select
        *,
        case
            when symbol is null then 'missing_symbol'
            when {{ has_wrong_level() }} then 'impossible_price'
            when bid_price_1 >= ask_price_1 then 'crossed_book'
        end as fault
    from snapshots

),

ranked as (

    select
        *,
        row_number() over (
            partition by feed, source_date, symbol, snapshot_timestamp, fault is null order by {{ latest_first() }}
        ) as age
    from checked

),

judged as (

    select
        *,
        case when fault is not null then fault when age > 1 then 'superseded' end as quarantine_reason
    from ranked

)

select * from judged
