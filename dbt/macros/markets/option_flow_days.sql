{#
    What every partition of options_flow is built from: the snapshots of its day, and for each underlying the snapshot
    before. So a day that is loaded late or again rebuilds the next day of its chains, too.
#}
{% macro expected_flow_days() -%}
    {%- do require_watermarks_of(ref('fct_options_snapshots')) -%}
    select
        feed,
        source_date,
        min(load_id) || ' after ' || {{ dbt.hash(dbt.listagg(
            "underlying || ' ' || coalesce(previous_load_id, 'none')", "'; '", 'order by underlying'
        )) }} as version,
        min(load_id) as load_id,
        cast(sum(contract_count) as bigint) as row_count
    from ({{ chains_with_the_one_before() }}) as chains
    group by feed, source_date
{%- endmacro %}

{# The chains of all days, with day and load of the snapshot before of the same underlying. #}
{% macro chains_with_the_one_before() -%}
    select
        *,
        lag(source_date) over (partition by underlying order by source_date) as previous_source_date,
        lag(load_id) over (partition by underlying order by source_date) as previous_load_id
    from {{ ref('int_chain_days') }}
{%- endmacro %}
