{#- A symbol has a new version where a file says something else of it, or where it comes back after it was away. -#}
{%- set described_by = ['company_name', 'sector', 'market_cap_bucket', 'exchange_code'] -%}
with

symbols as (

    select * from {{ ref('int_symbols') }}

),

-- Also a file without a kept row has its date: all symbols ended with it.
file_dates as (

    select
        source_date,
        lead(source_date) over (order by source_date) as next_file_date,
        lag(source_date) over (order by source_date) as previous_file_date
    from ({{ loaded_days('stg_reference_data__symbols') }}) as files

),

dated as (

    select
        symbols.*,
        file_dates.next_file_date,
        file_dates.previous_file_date,
        {%- for name in described_by %}
        lag(symbols.{{ name }}) over of_symbol as previous_{{ name }},
        {%- endfor %}
        lag(symbols.source_date) over of_symbol as previous_source_date
    from symbols
    inner join file_dates
        on symbols.source_date = file_dates.source_date
    window of_symbol as (partition by symbols.symbol order by symbols.source_date)

),

marked as (

    select
        *,
        case
            when
                previous_source_date = previous_file_date
                {%- for name in described_by %}
                and coalesce({{ name }}, '') = coalesce(previous_{{ name }}, '')
                {%- endfor %}
                then 0
            else 1
        end as is_new_version
    from dated

),

numbered as (

    select
        *,
        sum(is_new_version) over (
            partition by symbol order by source_date rows between unbounded preceding and current row
        ) as version_number
    from marked

),

versions as (

    select
        symbol,
        cast(version_number as integer) as version_number,
        {%- for name in described_by %}
        {{ name }},
        {%- endfor %}
        min(source_date) as valid_from,
        -- The first file that no longer says so. None after the last file: it is so until now.
        case when count(next_file_date) = count(*) then max(next_file_date) end as valid_to
    from numbered
    group by symbol, version_number, {{ described_by | join(', ') }}

),

described as (

    select
        {{ dbt.hash("symbol || ' ' || valid_from") }} as symbol_version_id,
        *,
        valid_to is null as is_current
    from versions

)

select * from described
