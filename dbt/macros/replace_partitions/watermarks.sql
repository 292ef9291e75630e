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
    delete from {{ model_watermarks() }}
    where
        asset = '{{ this.identifier }}'
        {% if not plan.is_whole -%}
        {%- set settings = replace_partitions_config() -%}
        {%- set keys = [] -%}
        {%- for partition in plan.partitions -%}
            {%- do keys.append(sql_literal(key_of_partition(partition, settings))) -%}
        {%- endfor -%}
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

{#
    A select of the partitions that were built, without those that are gone, from literals. There may be thousands of
    them, and each macro that is called for one takes dbt longer than its rows take the engine.
#}
{% macro built_partitions_sql(partitions) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set names = settings.fields | map(attribute='field') | list -%}
    {%- set rows = [] -%}
    {%- for partition in partitions if partition.version is not none -%}
        {%- set period = period_of(partition[settings.time.field], settings.time.granularity) -%}
        {%- set key = partition[settings.feed.field] ~ '/' ~ period.key if settings.feed else period.key -%}
        {%- set texts = [key, partition.version, partition.load_id, period.start, period.end] -%}
        {%- for name in names -%}{%- do texts.append(partition[name]) -%}{%- endfor -%}
        {%- do rows.append("(" ~ sql_literals(texts) | join(", ") ~ ")") -%}
    {%- endfor -%}
    {%- set columns = ['partition_key', 'version', 'load_id', 'period_start', 'period_end'] + names -%}
    select
        {% for name in columns[:3] -%}
        cast({{ name }} as {{ dbt.type_string() }}) as {{ name }},
        {% endfor -%}
        {% for name in columns[3:5] -%}
        cast({{ name }} as {{ dbt.type_timestamp() }}) as {{ name }},
        {% endfor -%}
        {% for field in settings.fields -%}
        cast({{ field.field }} as {{ field.data_type }}) as {{ field.field }}{{ "," if not loop.last }}
        {% endfor -%}
    from (values {{ rows | join(", ") }}) as built ({{ columns | join(", ") }})
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
    {#- A build renders the model several times. What it reads does not change meanwhile. -#}
    {%- set checked = context.get('watermarks_checked', []) -%}
    {%- if relation | string in checked -%}{{ return('') }}{%- endif -%}
    {%- do context.update({'watermarks_checked': checked + [relation | string]}) -%}
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
