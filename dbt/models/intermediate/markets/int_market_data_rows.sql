with

intervals as (

    select * from {{ ref('stg_exchange__market_data') }}

),

checked as (

    select
        *,
        case
            when symbol is null then 'missing_symbol'
            when volume is not null and not ({{ is_finite('volume') }} and volume >= 0) then 'impossible_volume'
            else {{ fault_of_prices() | indent(12) }}
        end as fault
    from intervals

),

ranked as (

    select
        *,
        row_number() over (
            partition by feed, source_date, symbol, interval_start, fault is null order by {{ latest_first() }}
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
