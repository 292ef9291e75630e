with

exchanges as (

    select * from {{ ref('stg_reference_data__exchanges') }}

),

judged as (

    select
        *,
        case
            when exchange_code is null then 'no_code'
            when source_row > min(source_row) over (partition by feed, source_date, exchange_code) then 'repeated_code'
        end as quarantine_reason
    from exchanges

)

select * from judged
