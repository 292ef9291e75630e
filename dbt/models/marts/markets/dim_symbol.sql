{{ versions_of(
    'int_symbols',
    key='symbol',
    described_by=['company_name', 'sector', 'market_cap_bucket', 'exchange_code'],
    files=loaded_days('stg_reference_data__symbols'),
) }},

described_symbols as (

    select
        {{ dbt.hash("symbol || ' ' || valid_from") }} as symbol_version_id,
        *,
        valid_to is null as is_current
    from versions

)

select * from described_symbols
