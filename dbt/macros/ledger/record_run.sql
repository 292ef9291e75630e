{#
    dbt's own record in the ledger: a row of meta.ingestion_runs for every run that builds or tests, whoever started it.
    `warehouse/ledger` defines the tables. They are there as soon as dbt has opened the file.
#}

{# Whether the ledger keeps this invocation. The ledger is in the DuckDB file; a database in memory has none. #}
{% macro is_recorded_run() -%}
    {%- set builds_or_tests = flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'test') -%}
    {{ return(execute and builds_or_tests and target.name != 'lint') }}
{%- endmacro %}

{#
    On-run-start, before everything else. If a later on-run-start hook stops the run, dbt calls no hook for that. So the
    run is recorded as failed until all of them have passed (`record_run_running`). Nobody sees that while it lasts,
    because only this process has the file open. For the same reason, any other run of dbt that is still recorded as
    running is dead.
#}
{% macro record_run_start() -%}
    {%- if is_recorded_run() -%}{{ return(in_ledger(start_of_run())) }}{%- endif -%}
{%- endmacro %}

{% macro start_of_run() -%}
    {%- set dagster_run_id = env_var('DAGSTER_RUN_ID', '') or none -%}
    {%- set started_by = 'dagster' if dagster_run_id or env_var('DAGSTER_DBT_CLI', '') else 'terminal' -%}
    {%- set stopped = "stopped before the first model by an on-run-start hook: dbt's log says why" -%}
    update meta.ingestion_runs
    set
        finished_at = {{ ledger_timestamp() }},
        status = 'failed',
        error = 'the run ended without finishing: it was killed, or the machine went down'
    where status = 'running' and (kind like 'dbt %' or kind like 'spark %');

    insert into meta.ingestion_runs
        (run_id, kind, started_by, started_at, finished_at, status, arguments, error, dagster_run_id)
    values (
        {{ sql_literal(invocation_id) }},
        {{ sql_literal(engine_in_ledger() ~ ' ' ~ flags.WHICH) }},
        {{ sql_literal(started_by) }},
        {{ ledger_timestamp() }},
        {{ ledger_timestamp() }},
        'failed',
        {{ sql_literal(tojson(arguments_of_run())) }},
        {{ sql_literal(stopped) }},
        {{ sql_literal(dagster_run_id) }}
    )
{%- endmacro %}

{# On-run-start, after everything else. #}
{% macro record_run_running() -%}
    {%- if is_recorded_run() -%}
        {%- do end_open_transaction() -%}
        {%- set running -%}
        update meta.ingestion_runs
        set finished_at = null, status = 'running', error = null
        where run_id = {{ sql_literal(invocation_id) }}
        {%- endset -%}
        {{ return(in_ledger(running)) }}
    {%- endif -%}
{%- endmacro %}

{# On-run-end: what became of each model, seed and test, and last of the run: one that is finished is complete. #}
{% macro record_run_end(results) -%}
    {%- if is_recorded_run() -%}
        {%- do end_open_transaction() -%}
        {%- set error = error_of_run(results) -%}
        {%- set ended -%}
        {{ insert_into_ledger('ingestion_run_assets', asset_columns(), asset_rows(results)) }}
        {{ insert_into_ledger('asset_checks', check_columns(), check_rows(results)) }}
        update meta.ingestion_runs
        set
            finished_at = {{ ledger_timestamp() }},
            status = {{ sql_literal('failed' if error else 'success') }},
            error = {{ sql_literal(error) }}
        where run_id = {{ sql_literal(invocation_id) }} and status = 'running'
        {%- endset -%}
        {{ return(in_ledger(ended)) }}
    {%- endif -%}
{%- endmacro %}

{# The options of the command line that decide what is built, and how. Values of variables are text. #}
{% macro arguments_of_run() -%}
    {%- set arguments = {} -%}
    {%- for name in ('select', 'exclude', 'selector', 'resource_types', 'exclude_resource_types') -%}
        {%- set value = invocation_args_dict.get(name) -%}
        {%- if value -%}
            {%- do arguments.update({name: value if value is string else value | map('string') | list}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in ('full_refresh', 'empty', 'fail_fast') if invocation_args_dict.get(name) -%}
        {%- do arguments.update({name: true}) -%}
    {%- endfor -%}
    {%- set variables = {} -%}
    {%- for name, value in (invocation_args_dict.get('vars') or {}).items() -%}
        {%- do variables.update({name: value | string}) -%}
    {%- endfor -%}
    {%- if variables -%}{%- do arguments.update({'vars': variables}) -%}{%- endif -%}
    {{ return(arguments) }}
{%- endmacro %}

{#
    The first failures by name, and how many more there are; none where nothing failed. What was skipped counts only
    where nothing failed, because dbt fails then, too.
#}
{% macro error_of_run(results) -%}
    {%- set failed = [] -%}
    {%- set skipped = [] -%}
    {%- for result in results -%}
        {%- if result.status in ('error', 'fail', 'runtime error', 'partial success') -%}
            {%- set message = shortened(result.message or result.status | string, 400).split() | join(' ') -%}
            {%- do failed.append(result.node.name ~ ': ' ~ message) -%}
        {%- elif result.status == 'skipped' and result.node.resource_type != 'exposure' -%}
            {%- do skipped.append(result.node.name ~ ': skipped') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set errors = failed or skipped -%}
    {%- if not errors -%}{{ return(none) }}{%- endif -%}
    {{ return(errors[:3] | join('; ') ~ ('; and ' ~ (errors | length - 3) ~ ' more' if errors | length > 3 else '')) }}
{%- endmacro %}
