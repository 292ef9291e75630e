{#
    Watermarks of models in the ledger: what each partition was built from, how many rows it has, and of which times.
    They are written in the transaction that replaces the rows, so the two cannot differ. A partition without rows has
    one, too, so that it is not built again on every run.
#}
{% macro replace_watermarks_sql(plan) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set fields = settings.fields | map(attribute='field') | list -%}
    {{ delete_watermarks_sql(plan) }}

    {% if plan.partitions | rejectattr('version', 'none') | list -%}
    insert into {{ model_watermarks() }} (
        asset, partition_key, feed, grain, period_start, period_end, version, load_id, rows, min_event_time,
        max_event_time, updated_at
    )
    with built as (
        {{ built_partitions_sql(plan.partitions) }}
    ),

    counted as (
        {{ counted_partitions_sql(plan) }}
    )

    select
        '{{ this.identifier }}',
        built.partition_key,
        {{ "built." ~ settings.feed.field if settings.feed else "null" }},
        '{{ settings.time.granularity }}',
        built.period_start,
        built.period_end,
        built.version,
        built.load_id,
        coalesce(counted.row_count, 0),
        counted.min_event_time,
        counted.max_event_time,
        {{ ledger_timestamp() }}
    from built
    left join counted
        on {% for name in fields %}{{ "and " if not loop.first }}built.{{ name }} = counted.{{ name }} {% endfor %};
    {%- endif -%}
{%- endmacro %}

{% macro delete_watermarks_sql(plan) -%}
    {%- set keys = [] -%}
    {%- for partition in plan.partitions -%}{%- do keys.append(sql_literal(key_of_partition(partition))) -%}{%- endfor -%}
    delete from {{ model_watermarks() }}
    where
        asset = '{{ this.identifier }}'
        {% if not plan.is_whole -%}
        and partition_key in ({{ keys | join(', ') }})
        {%- endif -%};
{%- endmacro %}

{# Rows, first and last time of the partitions that were built, as they are in the table now. #}
{% macro counted_partitions_sql(plan) %}{{ return(adapter.dispatch('counted_partitions_sql')(plan)) }}{% endmacro %}
{% macro default__counted_partitions_sql(plan) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set fields = settings.fields | map(attribute='field') | join(', ') -%}
    select
        {{ fields }},
        count(*) as row_count,
        min({{ settings.event_time }}) as min_event_time,
        max({{ settings.event_time }}) as max_event_time
    from {{ this }}
    {% if not plan.is_whole -%}
    where {{ partitions_condition(plan.partitions) }}
    {% endif -%}
    group by {{ fields }}
{%- endmacro %}

{# A select of the partitions that were built, without those that are gone, from literals. #}
{% macro built_partitions_sql(partitions) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set fields = settings.fields | map(attribute='field') | list -%}
    {%- set rows = [] -%}
    {%- for partition in partitions if partition.version is not none -%}
        {%- set period = period_of(partition[settings.time.field], settings.time.granularity) -%}
        {%- set literals = [] -%}
        {%- for field in settings.fields -%}
            {%- do literals.append(typed_literal(partition[field.field], field.data_type)) -%}
        {%- endfor -%}
        {%- for text in (key_of_partition(partition), partition.version, partition.load_id) -%}
            {%- do literals.append(typed_literal(text, dbt.type_string())) -%}
        {%- endfor -%}
        {%- for time in (period.start, period.end) -%}
            {%- do literals.append(typed_literal(time, dbt.type_timestamp())) -%}
        {%- endfor -%}
        {%- do rows.append("(" ~ literals | join(", ") ~ ")") -%}
    {%- endfor -%}
    {%- set columns = fields + ['partition_key', 'version', 'load_id', 'period_start', 'period_end'] -%}
    select * from (values {{ rows | join(", ") }}) as built ({{ columns | join(", ") }})
{%- endmacro %}

{#
    Whether the watermarks are of this table: their rows add up to those that are there. They do not where the table was
    changed by other hands. Counting the rows of a table without a condition costs nothing.
#}
{% macro are_watermarks_of(relation) -%}
    {%- set query -%}
        select
            (select count(*) from {{ relation }})
            = (
                select coalesce(sum(rows), 0)
                from {{ asset_watermarks() }}
                where asset = '{{ relation.identifier }}'
            )
    {%- endset -%}
    {{ return(run_query(query).rows[0][0]) }}
{%- endmacro %}

{# For a model that takes the watermarks of another for what it holds: stops where they cannot be of it. #}
{% macro require_watermarks_of(relation) -%}
    {%- if not execute or is_empty_run() or is_compiled_for_a_build() or not upstream_models_exist() -%}
        {{ return('') }}
    {%- endif -%}
    {%- if not are_watermarks_of(relation) -%}
        {%- do exceptions.raise_compiler_error(
            "expected as many rows in " ~ relation ~ " as the watermarks of " ~ relation.identifier ~ " in "
            ~ asset_watermarks() ~ " say, but the numbers differ. Build it first, which mends that: dbt build --select "
            ~ relation.identifier ~ "+"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Made by warehouse/ledger when dbt opens the file. #}
{% macro asset_watermarks() %}{{ return("meta.asset_watermarks") }}{% endmacro %}
