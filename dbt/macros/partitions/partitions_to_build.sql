{#
    Compile-time half of the incremental strategy replace_partitions. A model configures event_time, and in its meta
    partition_columns: the columns of a partition and their types, in order. The last is the month, a date, that the
    backfill variables speak of and that batches are made by; no row may need one of another month. The model brings a
    query of its own that gives the partitions it ought to hold: those columns; source_version, a text that says what
    the partition is to be built from; and row_count, from how many rows. What differs from the watermarks of the model
    (see record_partitions), is new, or is gone has changed. The list of changes is written into the model's query as
    literals, so that the engine prunes to them, and as a comment, from which the strategy takes what to delete: one
    list, so that the two cannot differ. All this reads watermarks alone, so it costs the same however long the history.
#}

{#
    The partitions to build, each a mapping from column to value; a version of none means the partition is gone.
    On a first build and a full refresh these are all that are expected. None where the model is only compiled and what
    it reads is not there, as for the linter.
#}
{% macro partitions_to_build(expected) -%}
    {%- if not execute or not upstream_models_exist() -%}{{ return([]) }}{%- endif -%}
    {%- set keys = config.get('meta').partition_columns | list -%}
    {%- set names = keys + ['source_version'] -%}
    {%- if is_incremental() -%}
        {%- set query = changed_partitions_sql(expected, keys) -%}
    {%- else -%}
        {%- set query = "select " ~ names | join(", ") ~ ", row_count from (" ~ expected ~ ") as expected" -%}
    {%- endif -%}
    {%- set partitions = [] -%}
    {%- for row in run_query(query ~ " order by " ~ keys | join(", ")).rows -%}
        {%- set partition = {'row_count': row['row_count'] | int} -%}
        {%- for name in names -%}
            {%- do partition.update({name: row[name] | string if row[name] is not none else none}) -%}
        {%- endfor -%}
        {%- do partitions.append(partition) -%}
    {%- endfor -%}
    {{ return(partitions) }}
{%- endmacro %}

{% macro upstream_models_exist() -%}
    {%- for node_id in model.depends_on.nodes if node_id.startswith('model.') -%}
        {%- set node = graph.nodes[node_id] -%}
        {%- if adapter.get_relation(node.database, node.schema, node.alias) is none -%}{{ return(false) }}{%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{% macro changed_partitions_sql(expected, keys) -%}
    {%- set window = backfill_window() -%}
    with expected as (
        {{ expected }}
    ),

    held as (
        {{ held_partitions_sql() }}
    )

    select
        {% for key in keys -%}
        coalesce(expected.{{ key }}, held.{{ key }}) as {{ key }},
        {% endfor -%}
        max(expected.source_version) as source_version,
        coalesce(max(expected.row_count), 0) as row_count
    from expected
    full outer join held
        on {% for key in keys %}{{ "and " if not loop.first }}expected.{{ key }} = held.{{ key }} {% endfor %}
    where
        expected.source_version is distinct from held.source_version
        {% if window -%}
        or (
            expected.{{ keys[-1] }} >= cast('{{ window.first_month }}' as date)
            {% if window.last_month -%}
            and expected.{{ keys[-1] }} <= cast('{{ window.last_month }}' as date)
            {% endif -%}
        )
        {% endif -%}
    group by {% for key in keys %}coalesce(expected.{{ key }}, held.{{ key }}){{ ", " if not loop.last }}{% endfor %}
{%- endmacro %}

{#
    The partitions that the model's table holds, and what each was built from. Where the watermarks cannot be of this
    table, for they speak of another number of rows (it was written before there were any, or by hand), every
    partition counts as changed.
#}
{% macro held_partitions_sql() -%}
    {%- set types = config.get('meta').partition_columns -%}
    {%- if are_watermarks_of(this) -%}
        select
            {% for key, type in types.items() -%}
            {{ key if key == "feed" else "cast(period_start as " ~ type ~ ")" }} as {{ key }},
            {% endfor -%}
            version as source_version
        from {{ asset_watermarks() }}
        where asset = '{{ this.identifier }}'
    {%- else -%}
        {%- do log(this ~ ": rows and watermarks differ, so all partitions are built again.", info=true) -%}
        select distinct
            {% for key in types -%}
            {{ key }},
            {% endfor -%}
            cast(null as varchar) as source_version
        from {{ this }}
    {%- endif -%}
{%- endmacro %}
