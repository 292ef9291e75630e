-- From the ledger, not from raw data: the loader writes both in one transaction, and this costs nothing to read.
with

watermarks as (

    select * from {{ source('meta', 'asset_watermarks') }}

),

loaded as (

    select
        feed,
        cast(period_start as date) as source_month,
        load_id,
        rows as row_count
    from watermarks
    -- What was loaded came from somewhere; dbt's own models have watermarks, too.
    where source_url is not null

)

select * from loaded
