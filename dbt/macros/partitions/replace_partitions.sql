{#
    Run-time half of the incremental strategy: in one transaction, delete the partitions that the model's query was
    compiled for and insert, batch by batch, what it gives. See partitions_to_build.
#}
{% macro get_incremental_replace_partitions_sql(arg_dict) -%}
    {%- set partitions = built_partitions().partitions -%}
    {%- if not partitions -%}{{ return("select 'no partition has changed' as outcome") }}{%- endif -%}
    {%- set replace -%}
        delete from {{ arg_dict.target_relation }}
        where {{ partitions_condition(partitions) }};

        {{ insert_batches(arg_dict.target_relation) }}
    {%- endset -%}
    {{ return(replace) }}
{%- endmacro %}

{% macro insert_batches(relation) -%}
    {% for query in queries_of_batches() -%}
    insert into {{ relation }} by name (
        {{ query }}
    );
    {% endfor -%}
{%- endmacro %}

{#
    The whole table is made empty and filled batch by batch, too. The incremental materialization keeps the model's rows
    in a temporary table before it calls the strategy; here that would be to write every row twice, so it is given a
    view. The model's query therefore must not read the model's own table, whose partitions are deleted by then.
#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- if config.get('incremental_strategy') != 'replace_partitions' -%}
        {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by, sorted_by) }}
    {%- elif temporary -%}
        {%- if config.get('contract').enforced -%}{{ get_assert_columns_equivalent(compiled_code) }}{%- endif %}
        create temporary view {{ relation }} as (
            {{ compiled_code }}
        )
    {%- else -%}
        {%- set no_rows = query_with('false') -%}
        {{ dbt.duckdb__create_table_as(temporary, relation, no_rows, language, partitioned_by, sorted_by) }}
        {{ insert_batches(relation) }}
    {%- endif -%}
{%- endmacro %}
