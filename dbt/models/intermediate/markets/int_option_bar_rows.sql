with

bars as (

    select * from {{ ref('stg_broker__options_bars') }}

),

judged as (

    select
        *,
        case
            when contract is null then 'no_contract'
            when began_at_utc is null then 'no_time'
            when cast({{ utc_to_new_york('began_at_utc') }} as date) <> source_date then 'bar_of_another_day'
            when source_row > min(source_row) over (partition by feed, source_date, contract) then 'repeated_bar'
            else {{ fault_of_bar() | indent(12) }}
        end as quarantine_reason
    from bars

)

select * from judged
