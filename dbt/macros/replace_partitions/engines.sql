{# What replace_partitions says to the engine, and what another engine says in its own way: see spark.sql. #}

{# All that changes a table and its watermarks: one transaction, where the engine has any. #}
{% macro replace_partitions_sql(relation, plan, no_rows) -%}
    {{ return(adapter.dispatch('replace_partitions_sql')(relation, plan, no_rows)) }}
{%- endmacro %}
{% macro default__replace_partitions_sql(relation, plan, no_rows) -%}
    {%- if plan.is_whole %}
        {{ make_table_sql(relation, no_rows) }}
    {%- else %}
        {{ delete_partitions_sql(relation, plan.partitions) }}
    {%- endif %}
    {%- for partitions in batches_of(plan.partitions) %}
        {{ insert_rows_sql(relation, query_of_batch(partitions)) }}
    {%- endfor %}
    {{ replace_watermarks_sql(plan) }}
{%- endmacro %}

{# An empty table with the columns of a query, in place of the one that is there. #}
{% macro make_table_sql(relation, query) -%}
    {{ return(adapter.dispatch('make_table_sql')(relation, query)) }}
{%- endmacro %}
{% macro default__make_table_sql(relation, query) -%}
    drop table if exists {{ relation }};
    {{ create_table_as(False, relation, query) }};
{%- endmacro %}

{% macro delete_partitions_sql(relation, partitions) -%}
    {{ return(adapter.dispatch('delete_partitions_sql')(relation, partitions)) }}
{%- endmacro %}
{% macro default__delete_partitions_sql(relation, partitions) -%}
    delete from {{ relation }}
    where {{ partitions_condition(partitions) }};
{%- endmacro %}

{% macro insert_rows_sql(relation, query) -%}
    {{ return(adapter.dispatch('insert_rows_sql')(relation, query)) }}
{%- endmacro %}
{% macro default__insert_rows_sql(relation, query) -%}
    insert into {{ relation }} by name (
        {{ query }}
    );
{%- endmacro %}

{# The columns that a query gives, as dbt's columns. #}
{% macro columns_of_query(query) -%}
    {{ return(adapter.dispatch('columns_of_query')(query)) }}
{%- endmacro %}
{% macro default__columns_of_query(query) -%}
    {%- set columns = [] -%}
    {%- for row in run_query("select column_name, column_type from (describe " ~ query ~ ")").rows -%}
        {%- do columns.append(api.Column(row[0], row[1])) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# Those of a table. dbt's own way sets up all macros anew to ask for them. #}
{% macro columns_of_table(table) -%}
    {{ return(adapter.dispatch('columns_of_table')(table)) }}
{%- endmacro %}
{% macro default__columns_of_table(table) %}{{ return(adapter.get_columns_in_relation(table)) }}{% endmacro %}
{% macro duckdb__columns_of_table(table) %}{{ return(columns_of_query(table)) }}{% endmacro %}
