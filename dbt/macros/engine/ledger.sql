{#
    The ledger (schema meta) is in the DuckDB file, whichever engine builds. Where that is DuckDB, dbt executes what is
    written into it, in the transaction of what is built. Another engine has the adapter write it.
#}

{# Statements for the ledger, in DuckDB's SQL: what is left for dbt to execute. #}
{% macro in_ledger(statements) %}{{ return(adapter.dispatch('in_ledger')(statements)) }}{% endmacro %}
{% macro default__in_ledger(statements) %}{{ return(statements) }}{% endmacro %}
{% macro spark__in_ledger(statements) -%}
    {%- do adapter.write_ledger(statements) -%}
    {{ return('') }}
{%- endmacro %}

{# The ledger's table with the watermarks of models. #}
{% macro model_watermarks() %}{{ return(adapter.dispatch('model_watermarks')()) }}{% endmacro %}
{% macro default__model_watermarks() %}{{ return("meta.asset_watermarks") }}{% endmacro %}
{% macro spark__model_watermarks() %}{{ return("meta.spark_watermarks") }}{% endmacro %}

{#
    What the ledger calls a run and its checks: `dbt build` and `dbt`, or `spark build` and `spark`. What is said of one
    engine's tables is not said of the other's.
#}
{% macro engine_in_ledger() %}{{ return(adapter.dispatch('engine_in_ledger')()) }}{% endmacro %}
{% macro default__engine_in_ledger() %}{{ return("dbt") }}{% endmacro %}
{% macro spark__engine_in_ledger() %}{{ return("spark") }}{% endmacro %}

{# How many rows a table that was built has, as an expression for the ledger. #}
{% macro row_count_for_ledger(node) %}{{ return(adapter.dispatch('row_count_for_ledger')(node)) }}{% endmacro %}
{% macro default__row_count_for_ledger(node) -%}
    {{ return("(select count(*) from " ~ node.relation_name ~ ")") }}
{%- endmacro %}
{% macro spark__row_count_for_ledger(node) -%}
    {%- if node.config.materialized == 'replace_partitions' -%}
        {{ return("(select coalesce(sum(rows), 0) from meta.spark_watermarks where asset = '" ~ node.alias ~ "')") }}
    {%- endif -%}
    {{ return(run_query("select count(*) from " ~ node.relation_name).rows[0][0] | string) }}
{%- endmacro %}
