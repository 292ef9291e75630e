{# In place of dbt-spark's own, which write the types of the configuration and the texts as they are. #}

{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set columns = [] -%}
    {%- for column in columns_of_seed(model, agate_table) -%}
        {%- do columns.append(column.name ~ " " ~ column.data_type) -%}
    {%- endfor -%}
    {%- set sql -%}
        create table {{ this.render() }} ({{ columns | join(", ") }})
        {{ file_format_clause() }}
        {{ comment_clause() }}
    {%- endset -%}
    {%- call statement('_') -%}{{ sql }}{%- endcall -%}
    {{ return(sql) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = columns_of_seed(model, agate_table) | map(attribute='data_type') | list -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set values = [] -%}
        {%- for value in row -%}
            {%- do values.append("cast(" ~ engine_literal(value) ~ " as " ~ types[loop.index0] ~ ")") -%}
        {%- endfor -%}
        {%- do rows.append("(" ~ values | join(", ") ~ ")") -%}
    {%- endfor -%}
    {%- if not rows -%}{{ return('') }}{%- endif -%}
    {%- set sql -%}insert into {{ this.render() }} values {{ rows | join(", ") }}{%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{%- endmacro %}

{# Name and type of the columns of a seed. #}
{% macro columns_of_seed(model, agate_table) -%}
    {%- set configured = model.config.get('column_types', {}) -%}
    {%- set columns = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- set inferred = adapter.convert_type(agate_table, loop.index0) -%}
        {%- do columns.append({'name': name, 'data_type': engine_type(configured.get(name, inferred))}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
