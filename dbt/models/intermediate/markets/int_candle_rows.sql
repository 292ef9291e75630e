with

candles as (

    select * from {{ ref('stg_broker__candles_daily') }}

),

judged as (

    select
        *,
        case
            when symbol is null then 'no_symbol'
            when began_at_utc is null then 'no_time'
            when cast({{ utc_to_new_york('began_at_utc') }} as date) <> source_date then 'candle_of_another_day'
            when source_row > min(source_row) over (partition by feed, source_date, symbol) then 'repeated_candle'
            else {{ fault_of_bar() | indent(12) }}
        end as quarantine_reason
    from candles

)

select * from judged
