{#
    Raw data and the ledger are in the DuckDB file, whichever engine builds. DuckDB reads them there. Another engine reads
    copies in the lakehouse, which the adapter brings up to date.
#}

{# The rows that a query in DuckDB's SQL gives of raw data and the ledger. #}
{% macro query_raw_data(query) %}{{ return(adapter.dispatch('query_raw_data')(query)) }}{% endmacro %}
{% macro default__query_raw_data(query) %}{{ return(run_query(query).rows) }}{% endmacro %}
{% macro spark__query_raw_data(query) %}{{ return(adapter.query_ledger(query)) }}{% endmacro %}

{# Execute a statement in DuckDB's SQL that makes a raw table. #}
{% macro change_raw_data(statement) %}{{ return(adapter.dispatch('change_raw_data')(statement)) }}{% endmacro %}
{% macro default__change_raw_data(statement) %}{{ return(run_query(statement)) }}{% endmacro %}
{% macro spark__change_raw_data(statement) %}{{ return(adapter.write_ledger(statement)) }}{% endmacro %}

{# Whether the DuckDB file lacks the table that a source is. #}
{% macro is_raw_table_missing(source) %}{{ return(adapter.dispatch('is_raw_table_missing')(source)) }}{% endmacro %}
{% macro default__is_raw_table_missing(source) -%}
    {{ return(adapter.get_relation(source.database, source.schema, source.identifier) is none) }}
{%- endmacro %}
{% macro spark__is_raw_table_missing(source) -%}
    {%- set query -%}
        select 1
        from duckdb_tables()
        where
            database_name = current_database()
            and schema_name = {{ sql_literal(source.schema) }}
            and table_name = {{ sql_literal(source.identifier) }}
    {%- endset -%}
    {{ return(adapter.query_ledger(query) | length == 0) }}
{%- endmacro %}

{# The path of the DuckDB file. #}
{% macro file_of_the_database() %}{{ return(adapter.dispatch('file_of_the_database')()) }}{% endmacro %}
{% macro default__file_of_the_database() -%}
    {%- set query = "select path from duckdb_databases() where database_name = '" ~ target.database ~ "'" -%}
    {{ return(run_query(query).rows[0][0]) }}
{%- endmacro %}
{% macro spark__file_of_the_database() -%}
    {%- set query = "select path from duckdb_databases() where database_name = current_database()" -%}
    {{ return(adapter.query_ledger(query)[0][0]) }}
{%- endmacro %}

{# Have the engine find every source as the DuckDB file has it. The adapter serves the watermarks by itself. #}
{% macro bring_raw_tables() %}{{ return(adapter.dispatch('bring_raw_tables')()) }}{% endmacro %}
{% macro default__bring_raw_tables() %}{{ return('') }}{% endmacro %}
{% macro spark__bring_raw_tables() -%}
    {%- set tables = [] -%}
    {%- for source in graph.sources.values() if source.schema ~ '.' ~ source.identifier != asset_watermarks() -%}
        {%- set feeds = source.meta.get('feeds', []) -%}
        {%- set columns = [] -%}
        {%- for column in source.columns.values() -%}{%- do columns.append((column.name, column.data_type)) -%}{%- endfor -%}
        {%- do tables.append({
            'schema': source.schema,
            'name': source.identifier,
            'columns': columns,
            'feeds': feeds,
            'period_column': (registered_feeds(raw_table=source.identifier) | first).period_column if feeds else '',
            'mends': what_mends(feeds | join(',')) if feeds else '',
        }) -%}
    {%- endfor -%}
    {%- set said = adapter.bring_raw_tables(tables) -%}
    {%- if said -%}{%- do log(said, info=true) -%}{%- endif -%}
    {{ return('') }}
{%- endmacro %}
