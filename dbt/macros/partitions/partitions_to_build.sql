{#
    Compile-time half of the incremental strategy replace_partitions. A model says in its meta

        partition_columns the columns of a partition and their types, in order
        version_column    the column that holds what a partition was built from
        backfill_column   the partition column, a date, that the backfill variables speak of

    and brings a query of its own that gives, for every partition it ought to hold, those columns. What differs
    from what the table holds, is new, or is gone has changed. The list of changes is written into the model's query
    as literals, so that the engine prunes to them, and as a comment, from which the strategy takes what to delete:
    one list, so that the two cannot differ.
#}

{#
    The partitions to build, each a mapping from column to value; a version of none means the partition is gone.
    On a first build and a full refresh these are all that are expected. None where the model is only compiled and what
    it reads is not there, as for the linter.
#}
{% macro partitions_to_build(expected) -%}
    {%- if not execute or not upstream_models_exist() -%}{{ return([]) }}{%- endif -%}
    {%- set meta = config.get('meta') -%}
    {%- set keys = meta.partition_columns | list -%}
    {%- set version = meta.version_column -%}
    {%- set names = keys + [version] -%}
    {%- if is_incremental() -%}
        {%- set query = changed_partitions_sql(expected, keys, version, meta.backfill_column) -%}
    {%- else -%}
        {%- set query = "select " ~ names | join(", ") ~ " from (" ~ expected ~ ") as expected" -%}
    {%- endif -%}
    {%- set partitions = [] -%}
    {%- for row in run_query(query ~ " order by " ~ keys | join(", ")).rows -%}
        {%- set partition = {} -%}
        {%- for name in names -%}
            {%- do partition.update({name: row[loop.index0] | string if row[loop.index0] is not none else none}) -%}
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

{% macro changed_partitions_sql(expected, keys, version, backfill_column) -%}
    {%- set window = backfill_window() -%}
    with expected as (
        {{ expected }}
    ),

    held as (
        select distinct {{ keys | join(', ') }}, {{ version }}
        from {{ this }}
    )

    select
        {% for key in keys -%}
        coalesce(expected.{{ key }}, held.{{ key }}) as {{ key }},
        {% endfor -%}
        max(expected.{{ version }}) as {{ version }}
    from expected
    full outer join held
        on {% for key in keys %}{{ "and " if not loop.first }}expected.{{ key }} = held.{{ key }} {% endfor %}
    where
        expected.{{ version }} is distinct from held.{{ version }}
        {% if window -%}
        or (
            expected.{{ backfill_column }} >= cast('{{ window.first_month }}' as date)
            {% if window.last_month -%}
            and expected.{{ backfill_column }} <= cast('{{ window.last_month }}' as date)
            {% endif -%}
        )
        {% endif -%}
    group by {% for key in keys %}coalesce(expected.{{ key }}, held.{{ key }}){{ ", " if not loop.last }}{% endfor %}
{%- endmacro %}

{#
    The rows of a relation that are in the partitions to build. A select for every combination of the partition
    columns but the last, because conditions on single columns are what engines prune by: unchanged partitions are
    not read, and where nothing changed, nothing is.
#}
{% macro rows_of_partitions(relation, partitions) -%}
    {%- if not is_incremental() -%}
        select * from {{ relation }}
    {%- else -%}
        /* {{ partitions_marker(partitions) }} */
        {% for predicate in partition_predicates(partitions) -%}
        {{ "union all " if not loop.first }}select * from {{ relation }} where {{ predicate }}
        {% else -%}
        select * from {{ relation }} where false
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# `feed = 'green' and source_month in (…)`, `feed = 'yellow' and …`: the last column listed by all the others. #}
{% macro partition_predicates(partitions) -%}
    {%- set types = config.get('meta').partition_columns -%}
    {%- set keys = types | list -%}
    {%- set groups = {} -%}
    {%- for partition in partitions -%}
        {%- set conditions = [] -%}
        {%- for key in keys[:-1] -%}
            {%- do conditions.append(key ~ " = " ~ partition_literal(partition[key], types[key])) -%}
        {%- endfor -%}
        {%- set literal = partition_literal(partition[keys[-1]], types[keys[-1]]) -%}
        {%- do groups.setdefault(conditions | join(" and "), []).append(literal) -%}
    {%- endfor -%}
    {%- set predicates = [] -%}
    {%- for conditions, literals in groups.items() -%}
        {%- set listed = keys[-1] ~ " in (" ~ literals | join(", ") ~ ")" -%}
        {%- do predicates.append(conditions ~ " and " ~ listed if conditions else listed) -%}
    {%- endfor -%}
    {{ return(predicates) }}
{%- endmacro %}

{% macro partition_literal(value, type) -%}
    {{ return("cast('" ~ value | replace("'", "''") ~ "' as " ~ type ~ ")") }}
{%- endmacro %}

{# A select of the partitions to build with their versions, to be joined to the rows. #}
{% macro partition_versions(partitions) -%}
    {%- if not execute -%}{{ return("") }}{%- endif -%}
    {%- set meta = config.get('meta') -%}
    {%- set types = dict(meta.partition_columns, **{meta.version_column: 'varchar'}) -%}
    {%- set rows = [] -%}
    {%- for partition in partitions if partition[meta.version_column] is not none -%}
        {%- set literals = [] -%}
        {%- for name, type in types.items() -%}
            {%- do literals.append(partition_literal(partition[name], type)) -%}
        {%- endfor -%}
        {%- do rows.append("(" ~ literals | join(", ") ~ ")") -%}
    {%- endfor -%}
    {%- if rows -%}
        select * from (values {{ rows | join(", ") }}) as versions ({{ types | join(", ") }})
    {%- else -%}
        select
            {% for name, type in types.items() -%}
            cast(null as {{ type }}) as {{ name }}{{ "," if not loop.last }}
            {% endfor -%}
        where false
    {%- endif -%}
{%- endmacro %}

{% macro partitions_marker(partitions) -%}
    {{ return("replace_partitions " ~ tojson(partitions) | replace("*/", "") ~ " end") }}
{%- endmacro %}
