with

symbols as (

    select * from {{ ref('stg_reference_data__symbols') }}

),

judged as (

    select
        *,
        case
            when symbol is null then 'no_symbol'
            when source_row > min(source_row) over (partition by feed, source_date, symbol) then 'repeated_symbol'
        end as quarantine_reason
    from symbols

)

select * from judged
