{# The rows that a run of dbt adds to meta.ingestion_run_assets and meta.asset_checks, as lists of SQL expressions. #}

{% macro asset_columns() %}{{ return(['run_id', 'asset', 'status', 'rows', 'seconds', 'error']) }}{% endmacro %}

{# One row for each model, seed and snapshot: built, failed or skipped. Rows are counted where there is a table. #}
{% macro asset_rows(results) -%}
    {%- set rows = [] -%}
    {%- for result in results if result.node.resource_type in ('model', 'seed', 'snapshot') -%}
        {%- set status = {'success': 'built', 'skipped': 'skipped'}.get(result.status | string, 'failed') -%}
        {%- set is_table = result.node.config.materialized in ('table', 'replace_partitions', 'seed', 'snapshot') -%}
        {%- do rows.append([
            "'" ~ invocation_id ~ "'",
            sql_literal(result.node.name),
            "'" ~ status ~ "'",
            row_count_for_ledger(result.node) if status == 'built' and is_table else 'null',
            'null' if status == 'skipped' else result.execution_time | string,
            sql_literal(shortened(result.message, 1000)) if status == 'failed' else 'null',
        ]) -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}

{% macro check_columns() -%}
    {{ return([
        'run_id', 'asset', 'check_name', 'source', 'severity', 'passed', 'observed', 'expected', 'checked_at'
    ]) }}
{%- endmacro %}

{# One row for each data test and unit test that was executed. One that warned has not passed. #}
{% macro check_rows(results) -%}
    {%- set rows = [] -%}
    {%- set checked_at = ledger_timestamp() -%}
    {%- for result in results if result.node.resource_type in ('test', 'unit_test') and result.status != 'skipped' -%}
        {%- set words = words_of_check(result) -%}
        {%- do rows.append([
            "'" ~ invocation_id ~ "'",
            sql_literal(asset_of_check(result.node)),
            sql_literal(result.node.name),
            sql_literal(engine_in_ledger()),
            "'" ~ severity_of_check(result) ~ "'",
            'true' if result.status == 'pass' else 'false',
            sql_literal(words.observed),
            sql_literal(words.expected),
            checked_at,
        ]) -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}

{#
    The model that a test is of: the one it is declared at. Of a singular test it is the first table that it reads, or
    the first model if it reads no table.
#}
{% macro asset_of_check(node) -%}
    {%- set read = node.depends_on.nodes -%}
    {%- if node.resource_type == 'unit_test' -%}
        {%- set tested = [node.tested_node_unique_id or read[0]] -%}
    {%- elif node.attached_node is defined and node.attached_node -%}
        {%- set tested = [node.attached_node] -%}
    {%- else -%}
        {%- set tables = [] -%}
        {%- for id in read if id in graph.nodes -%}
            {%- if graph.nodes[id].config.materialized in ('table', 'replace_partitions') -%}
                {%- do tables.append(id) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set tested = tables or read -%}
    {%- endif -%}
    {{ return((graph.nodes.get(tested[0]) or graph.sources.get(tested[0])).name if tested else node.name) }}
{%- endmacro %}

{# `warn` also where a test of severity error stayed below error_if and above warn_if. #}
{% macro severity_of_check(result) -%}
    {%- if result.status == 'warn' -%}{{ return('warn') }}{%- endif -%}
    {{ return('error' if result.node.resource_type == 'unit_test' else result.node.config.severity | string | lower) }}
{%- endmacro %}

{# What was observed and expected. dbt does not say how many rows failed where the threshold allowed them. #}
{% macro words_of_check(result) -%}
    {%- if result.node.resource_type == 'unit_test' -%}
        {%- set expected = 'the rows of the unit test' -%}
        {%- set observed = expected if result.status == 'pass' else shortened(result.message, 2000) -%}
    {%- else -%}
        {%- set config = result.node.config -%}
        {%- set failing = config.warn_if if severity_of_check(result) == 'warn' else config.error_if -%}
        {%- set expected = '0 failing rows' if failing == '!= 0' else 'not ' ~ failing ~ ' failing rows' -%}
        {%- if result.status in ('fail', 'warn') -%}
            {%- set observed = result.failures ~ (' failing row' if result.failures == 1 else ' failing rows') -%}
        {%- elif result.status == 'pass' -%}
            {%- set observed = expected -%}
        {%- else -%}
            {%- set observed = 'the test could not be run: ' ~ shortened(result.message, 1000) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return({'observed': observed, 'expected': expected}) }}
{%- endmacro %}
