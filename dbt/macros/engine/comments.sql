{# Descriptions as comments of tables, views and columns, in place of dbt-spark's own: texts with backslashes, too. #}

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
