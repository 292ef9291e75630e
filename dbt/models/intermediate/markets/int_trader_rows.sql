with

traders as (

    select * from {{ ref('stg_reference_data__traders') }}

),

judged as (

    select
        *,
        case
            when trader_id is null then 'no_id'
            when source_row > min(source_row) over (partition by feed, source_date, trader_id) then 'repeated_id'
        end as quarantine_reason
    from traders

)

select * from judged
