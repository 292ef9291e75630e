{# Names of types that differ between engines. Models and their YAML have those of DuckDB. #}

{% macro engine_type(data_type) %}{{ return(adapter.dispatch('engine_type')(data_type)) }}{% endmacro %}
{% macro default__engine_type(data_type) %}{{ return(data_type) }}{% endmacro %}
{% macro spark__engine_type(data_type) -%}
    {{ return({'varchar': 'string', 'blob': 'binary'}.get(data_type | lower, data_type)) }}
{%- endmacro %}

{# In place of dbt's own: what a contract compares the columns of a query with. #}
{% macro spark__get_empty_schema_sql(columns) -%}
    select
        {% for column in columns.values() -%}
        cast(null as {{ engine_type(column.data_type) }}) as {{ column.name }}{{ "," if not loop.last }}
        {% endfor -%}
{%- endmacro %}
