with

snapshots as (

    select * from {{ ref('stg_broker__options_snapshots') }}

),

judged as (

    select
        *,
        case
            when contract is null or underlying is null then 'no_contract'
            when
                expiration_date is null
                or strike is null
                or coalesce(option_type not in ('call', 'put'), true)
                then 'unknown_contract'
            when expiration_date < source_date then 'expired_contract'
            when volume < 0 or open_interest < 0 then 'negative_count'
            when source_row > min(source_row) over (partition by feed, source_date, contract) then 'repeated_contract'
        end as quarantine_reason
    from snapshots

)

select * from judged
