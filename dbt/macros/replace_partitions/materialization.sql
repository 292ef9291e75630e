{#
    Replaces the partitions of a table that have changed: in one transaction it deletes them, inserts them batch by
    batch, and writes their watermarks. A first build and a full refresh fill a new table in the same way.

    The model's query must not read ephemeral models, nor its own table, whose partitions are deleted by then, but by
    rows_before.
#}
{% materialization replace_partitions, default -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set plan = plan_of_model() -%}
    {%- set no_rows = query_of_batch([]) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if not plan.is_whole -%}{%- do check_columns_of_query(existing, no_rows) -%}{%- endif -%}
    {%- if plan.is_whole and existing is not none and existing.type != 'table' -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {% call statement('main') -%}
        {%- if plan.is_whole or plan.partitions %}
            {{ replace_partitions_sql(target_relation, plan, no_rows) }}
        {%- else %}
            select 'no partition has changed' as outcome
        {%- endif %}
    {%- endcall %}

    {%- do apply_grants(target_relation, config.get('grants'), should_revoke(existing, plan.is_whole)) -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{# Rendering the model makes its plan: see partitions_to_build. #}
{% macro plan_of_model() -%}
    {%- for node_id in model.depends_on.nodes if node_id.startswith('model.') -%}
        {%- if graph.nodes[node_id].config.materialized == 'ephemeral' -%}
            {%- do exceptions.raise_compiler_error(
                model.name ~ ": expected models that are tables or views, because it is built by replace_partitions, but "
                ~ graph.nodes[node_id].name ~ " is ephemeral."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do replace_partitions_config() -%}
    {%- do context.update({'replace_partitions_is_building': true}) -%}
    {%- set query = render(model.raw_code) -%}
    {%- if not context.get('replace_partitions_plan') -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ": expected its query to call partitions_to_build(…), because it is materialized as"
            ~ " replace_partitions, and all models that it reads to be built. See macros/replace_partitions/README.md."
        ) -%}
    {%- endif -%}
    {{ return(context['replace_partitions_plan']) }}
{%- endmacro %}

{#
    Stops where the query has other columns than the table: partitions that have not changed would lack them. dbt's own
    check of the contract has the engine bind the query once more, so it is left to say what is wrong.
#}
{% macro check_columns_of_query(table, query) -%}
    {%- set columns = columns_of_query(query) -%}
    {%- if config.get('contract').enforced and not are_as_declared(columns) -%}
        {%- do get_assert_columns_equivalent(query) -%}
    {%- endif -%}
    {%- set found = columns_by_name(columns_of_table(table)) -%}
    {%- set asked = columns_by_name(columns) -%}
    {%- set differing = [] -%}
    {%- for name in (found | list + asked | list) | unique if found.get(name) != asked.get(name) -%}
        {%- do differing.append(
            name ~ " (" ~ found.get(name, 'missing') ~ " in the table, " ~ asked.get(name, 'missing') ~ " in the query)"
        ) -%}
    {%- endfor -%}
    {%- if differing -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ": expected the table to have the columns of the model's query, but these differ: "
            ~ shortened(differing | join(', '), 300) ~ ". The model has changed since the table was made. Build it and what"
            ~ " reads it anew: dbt build --full-refresh --select " ~ model.name ~ "+"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Whether columns have the names and types that the model declares, spelled as the engine spells them. #}
{% macro are_as_declared(columns) -%}
    {%- set declared = {} -%}
    {%- for column in model.columns.values() -%}
        {%- do declared.update({column.name: column.data_type | lower}) -%}
    {%- endfor -%}
    {%- set found = {} -%}
    {%- for column in columns -%}{%- do found.update({column.name: column.dtype | lower}) -%}{%- endfor -%}
    {{ return(found == declared) }}
{%- endmacro %}

{% macro columns_by_name(columns) -%}
    {%- set types = {} -%}
    {%- for column in columns -%}{%- do types.update({column.name | lower: column.data_type | lower}) -%}{%- endfor -%}
    {{ return(types) }}
{%- endmacro %}
