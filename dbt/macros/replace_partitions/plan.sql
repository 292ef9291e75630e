{#
    Which partitions of a model have to be built. The model brings a query of the partitions that it ought to hold. A
    partition whose version differs from that in the model's watermark, that is new, or that is gone has changed. All
    this reads watermarks alone, so it costs the same however long the history.
#}

{#
    The partitions that the model's query is to be of, each a mapping from column to text: the fields of partition_by,
    version, load_id and row_count. A version of none means that the partition is gone. On a first build and a full
    refresh these are all that are expected. Empty where what the model reads is not there, as for the linter.

    `dbt compile` and the docs have the model with all of them. A build compiles it without a plan, because the
    materialization renders it once more anyway, for each batch.
#}
{% macro partitions_to_build(expected) -%}
    {%- if not execute or is_compiled_for_a_build() or not upstream_models_exist() -%}{{ return([]) }}{%- endif -%}
    {%- if not context.get('replace_partitions_plan') -%}
        {%- do context.update({'replace_partitions_plan': plan_of(expected)}) -%}
    {%- endif -%}
    {%- set plan = context['replace_partitions_plan'] -%}
    {{ return(plan.partitions if plan.batch is none else plan.batch) }}
{%- endmacro %}

{#
    `is_whole`: the table is made anew. `partitions`: those to build. `batch`: those that the model is rendered for at
    the moment, none for all of them. `expected`: the model's query of the partitions that it ought to hold.
#}
{% macro plan_of(expected) -%}
    {%- set fields = replace_partitions_config().fields | map(attribute='field') | list -%}
    {%- set table = load_cached_relation(this) -%}
    {%- set is_whole = table is none or table.type != 'table' or should_full_refresh() -%}
    {%- set partitions = [] -%}
    {#- With --empty, dbt gives no rows of what is read. They must not be taken for what is there. -#}
    {%- if not is_empty_run() -%}
        {%- set columns = fields + ['version', 'load_id', 'row_count'] -%}
        {%- if is_whole -%}
            {%- set query = "select " ~ columns | join(", ") ~ " from (" ~ expected ~ ") as expected" -%}
        {%- else -%}
            {%- set query = changed_partitions_sql(expected, fields) -%}
        {%- endif -%}
        {%- for row in run_query(query ~ " order by " ~ fields | join(", ")).rows -%}
            {%- set partition = {'row_count': row['row_count'] | int} -%}
            {%- for name in fields + ['version', 'load_id'] -%}
                {%- do partition.update({name: row[name] | string if row[name] is not none else none}) -%}
            {%- endfor -%}
            {%- do partitions.append(partition) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return({'is_whole': is_whole, 'partitions': partitions, 'batch': none, 'expected': expected}) }}
{%- endmacro %}

{% macro is_empty_run() %}{{ return(invocation_args_dict.get('empty') | default(false, true)) }}{% endmacro %}

{% macro upstream_models_exist() -%}
    {%- for node_id in model.depends_on.nodes if node_id.startswith('model.') -%}
        {#- By ref, because dbt may defer it to another database. -#}
        {%- if load_relation(ref(graph.nodes[node_id].name)) is none -%}{{ return(false) }}{%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{% macro changed_partitions_sql(expected, fields) -%}
    with expected as (
        {{ expected }}
    ),

    held as (
        {{ held_partitions_sql() }}
    )

    select
        {% for field in fields -%}
        coalesce(expected.{{ field }}, held.{{ field }}) as {{ field }},
        {% endfor -%}
        expected.version,
        expected.load_id,
        coalesce(expected.row_count, 0) as row_count
    from expected
    full outer join held
        on {% for field in fields %}{{ "and " if not loop.first }}expected.{{ field }} = held.{{ field }} {% endfor %}
    where
        expected.version is distinct from held.version
        {% if backfill_window() -%}
        or ({{ is_in_backfill_window('expected') }})
        {% endif -%}
{%- endmacro %}

{#
    The partitions that the model's table holds, and what each was built from. Where the watermarks cannot be of this
    table, for their rows add up to another number (other hands changed it), every partition counts as changed.
#}
{% macro held_partitions_sql() %}{{ return(adapter.dispatch('held_partitions_sql')()) }}{% endmacro %}
{% macro default__held_partitions_sql() -%}
    {%- set settings = replace_partitions_config() -%}
    {%- if are_watermarks_of(this) -%}
        {{ watermarks_of_model() }}
    {%- else -%}
        {%- do log(this ~ ": rows and watermarks differ, so all partitions are built again.", info=true) -%}
        select distinct
            {% for field in settings.fields -%}
            {{ field.field }},
            {% endfor -%}
            -- Not null, so that a partition that is not expected has changed, too.
            'changed by other hands' as version
        from {{ this }}
    {%- endif -%}
{%- endmacro %}

{# The partitions of the model's watermarks: the fields of partition_by, version and row_count. #}
{% macro watermarks_of_model() -%}
    {%- set settings = replace_partitions_config() -%}
    select
        {% if settings.feed -%}
        feed as {{ settings.feed.field }},
        {% endif -%}
        cast(period_start as {{ settings.time.data_type }}) as {{ settings.time.field }},
        version,
        rows as row_count
    from {{ asset_watermarks() }}
    where asset = '{{ this.identifier }}'
{%- endmacro %}

{# Whether a build is about to render the model once more, in its materialization, which then makes the plan. #}
{% macro is_compiled_for_a_build() -%}
    {%- set is_rendered_again = flags.WHICH in ('build', 'run') and model.config.materialized == 'replace_partitions' -%}
    {{ return(is_rendered_again and not context.get('replace_partitions_is_building')) }}
{%- endmacro %}
