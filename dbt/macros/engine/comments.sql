{#
    Descriptions as comments of tables, views and columns, in place of the adapters' own.

    dbt-duckdb's asks for the columns twice and writes every comment each time. Here one query asks for what is there,
    and only what differs is written, in one statement.
#}

{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set is_relation_told = for_relation and config.persist_relation_docs() and model.description -%}
    {%- set are_columns_told = for_columns and config.persist_column_docs() and model.columns -%}
    {%- if not is_relation_told and not are_columns_told -%}{{ return('') }}{%- endif -%}
    {%- set comments = comments_of(relation) -%}
    {%- set statements = [] -%}
    {%- if is_relation_told and comments.relation != model.description -%}
        {%- do statements.append("comment on " ~ relation.type ~ " " ~ relation ~ " is " ~ sql_literal(model.description)) -%}
    {%- endif -%}
    {%- if are_columns_told -%}
        {%- for name, column in validate_doc_columns(relation, model.columns, comments.columns | list).items() -%}
            {%- if name in comments.columns and comments.columns[name] != column.description -%}
                {%- set quoted = adapter.quote(name) if column.quote else name -%}
                {%- do statements.append(
                    "comment on column " ~ relation ~ "." ~ quoted ~ " is " ~ sql_literal(column.description)
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if statements -%}{%- do run_query(statements | join(";\n")) -%}{%- endif -%}
{%- endmacro %}

{# The comments that DuckDB has of a relation, and of each of its columns by name; empty where there is none. #}
{% macro comments_of(relation) -%}
    {%- set kind = 'view' if relation.type == 'view' else 'table' -%}
    {%- set place = sql_literals([relation.database, relation.schema, relation.identifier]) -%}
    {%- set condition = "(database_name, schema_name, " ~ kind ~ "_name) = (" ~ place | join(", ") ~ ")" -%}
    {%- set query -%}
        select null as column_name, comment
        from duckdb_{{ kind }}s()
        where {{ condition }}
        union all
        select column_name, comment
        from duckdb_columns()
        where {{ condition | replace("view_name", "table_name") }}
    {%- endset -%}
    {%- set found = {'relation': '', 'columns': {}} -%}
    {%- for row in run_query(query).rows -%}
        {%- if row[0] is none -%}
            {%- do found.update({'relation': row[1] or ''}) -%}
        {%- else -%}
            {%- do found.columns.update({row[0]: row[1] or ''}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# dbt-spark's own cannot write texts with backslashes. #}
{% macro spark__comment_clause() -%}
    {%- if config.persist_relation_docs() and model.description -%}
    comment {{ engine_literal(model.description) }}
    {%- endif -%}
{%- endmacro %}

{# dbt-spark calls it by its name. #}
{% macro get_column_comment_sql(column_name, column_dict) -%}
    {%- set description = column_dict[column_name].description if column_name in column_dict else none -%}
    {{ adapter.quote(column_name) }}{{ " comment " ~ engine_literal(description) if description }}
{%- endmacro %}

{# Of the formats that keep them, as dbt-spark has it. #}
{% macro spark__alter_column_comment(relation, column_dict) -%}
    {%- if config.get('file_format') in ('delta', 'hudi', 'iceberg') -%}
        {%- for name, column in column_dict.items() if column.description -%}
            {%- do run_query(
                "alter table " ~ relation ~ " change column " ~ (adapter.quote(name) if column.quote else name)
                ~ " comment " ~ engine_literal(column.description)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
