{#
    Run-time half of the incremental strategy: in one transaction, delete the partitions that the model's query was
    compiled for and insert what it gave. See partitions_to_build.
#}
{% macro get_incremental_replace_partitions_sql(arg_dict) -%}
    {%- set partitions = built_partitions().partitions -%}
    {%- if not partitions -%}{{ return("select 'no partition has changed' as outcome") }}{%- endif -%}
    {%- set columns = arg_dict.dest_columns | map(attribute='name') | join(', ') -%}
    {%- set replace -%}
        delete from {{ arg_dict.target_relation }}
        where ({{ partition_predicates(partitions) | join(") or (") }});

        insert into {{ arg_dict.target_relation }} ({{ columns }})
        select {{ columns }} from {{ arg_dict.temp_relation }}
    {%- endset -%}
    {{ return(replace) }}
{%- endmacro %}

{# What the model's query was compiled for: whether for all partitions, and which. #}
{% macro built_partitions() -%}
    {%- set query = model.compiled_code -%}
    {%- if '/* replace_partitions ' not in query -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ " uses the incremental strategy replace_partitions, but its query does not read"
            ~ " rows_of_partitions(relation, partitions): see macros/partitions/rows_of_partitions.sql."
        ) -%}
    {%- endif -%}
    {{ return(fromjson(query.split('/* replace_partitions ')[1].split(' end */')[0])) }}
{%- endmacro %}

{#
    The incremental materialization keeps the model's rows in a temporary table before it calls the strategy. Here that
    would be to write every row twice; a view computes them in the insert itself. The model's query therefore must not
    read the model's own table, whose partitions are deleted by then.
#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- if temporary and config.get('incremental_strategy') == 'replace_partitions' -%}
        {%- if config.get('contract').enforced -%}{{ get_assert_columns_equivalent(compiled_code) }}{%- endif %}
        create temporary view {{ relation }} as (
            {{ compiled_code }}
        )
    {%- else -%}
        {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by, sorted_by) }}
    {%- endif -%}
{%- endmacro %}
