with

accounts as (

    select * from {{ ref('stg_reference_data__accounts') }}

),

judged as (

    select
        *,
        case
            when account_id is null then 'no_id'
            when source_row > min(source_row) over (partition by feed, source_date, account_id) then 'repeated_id'
        end as quarantine_reason
    from accounts

)

select * from judged
