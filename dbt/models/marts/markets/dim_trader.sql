{{ versions_of(
    'int_traders',
    key='trader_id',
    described_by=['trader_name', 'firm', 'desk', 'risk_tier'],
    files=loaded_days('stg_reference_data__traders'),
) }},

described_traders as (

    select
        {{ dbt.hash("trader_id || ' ' || valid_from") }} as trader_version_id,
        *,
        valid_to is null as is_current
    from versions

)

select * from described_traders
