{#
    Views and tables on DuckDB, in place of dbt's own materializations. Those make each under a second name, rename the
    old one and the new one, and drop the old one: four more statements, for each of which dbt sets up all macros anew.
    Here the relation is replaced under its name in one transaction, so a build that fails leaves what was there.
#}

{% materialization view, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if config.get('contract').enforced -%}{%- do get_assert_columns_equivalent(sql) -%}{%- endif -%}
    {% call statement('main') -%}
        {{ drop_of_other_type(existing, 'view') }}
        create or replace view {{ target_relation }} as (
            {{ sql }}
        );
    {%- endcall %}

    {%- do finish_relation(target_relation, existing) -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{% materialization table, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if target_relation | string in sql -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ": expected a query of other tables, because the table is dropped before it is made anew, but"
            ~ " it reads itself. Use replace_partitions, or dbt's own materialization incremental."
        ) -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement('main') -%}
        {{ drop_of_other_type(existing, 'table') }}
        drop table if exists {{ target_relation }};
        {{ create_table_as(False, target_relation, sql) }}
    {%- endcall %}

    {%- do create_indexes(target_relation) -%}
    {%- do finish_relation(target_relation, existing) -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{# A model that was a table and is a view now, or the other way round: DuckDB replaces only what is of the same type. #}
{% macro drop_of_other_type(existing, type) -%}
    {%- if existing is not none and existing.type != type -%}
    drop {{ existing.type }} {{ existing }};
    {%- endif -%}
{%- endmacro %}

{# What follows the statement that made a relation, up to the end of the transaction. #}
{% macro finish_relation(relation, existing) -%}
    {%- do apply_grants(relation, config.get('grants'), should_revoke(existing, full_refresh_mode=True)) -%}
    {%- do persist_docs(relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
{%- endmacro %}
