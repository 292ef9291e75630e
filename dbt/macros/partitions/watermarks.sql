{#
    Watermarks of the models that are built by partitions: what each partition was built from, how many rows it has,
    and of which times. Written by a post-hook, so in the transaction that replaces the rows: the two cannot differ.
    A partition without rows has one, too, so that it is not built again on every run.
#}
{% macro record_partitions() -%}
    {%- if execute and config.get('incremental_strategy') == 'replace_partitions' -%}
        {%- set built = built_partitions() -%}
        {%- if built.whole or built.partitions -%}
            {{ replace_watermarks(built) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro replace_watermarks(built) -%}
    {%- set keys = config.get('meta').partition_columns | list -%}
    {%- set event_time = config.get('event_time') -%}
    {%- set listed = [] -%}
    {%- for partition in built.partitions -%}
        {%- set values = [] -%}
        {%- for key in keys -%}{%- do values.append(partition[key][:7] if loop.last else partition[key]) -%}{%- endfor -%}
        {%- do listed.append(partition_literal(values | join('/'), 'varchar')) -%}
    {%- endfor -%}
    delete from {{ asset_watermarks() }}
    where
        asset = '{{ this.identifier }}'
        {% if not built.whole -%}
        and partition_key in ({{ listed | join(', ') }})
        {%- endif -%};

    insert into {{ asset_watermarks() }}
        (
            asset, partition_key, feed, grain, period_start, period_end, version, load_id, rows, min_event_time,
            max_event_time, updated_at
        )
    with versions as (
        {{ partition_versions(built.partitions) }}
    ),

    counted as (
        select
            {{ keys | join(', ') }},
            count(*) as row_count,
            min({{ event_time }}) as min_event_time,
            max({{ event_time }}) as max_event_time
        from {{ this }}
        {% if not built.whole -%}
        where {{ partitions_condition(built.partitions) }}
        {% endif -%}
        group by {{ keys | join(', ') }}
    )

    select
        '{{ this.identifier }}',
        {% for key in keys[:-1] %}versions.{{ key }} || '/' || {% endfor %}left(cast(versions.{{ keys[-1] }} as varchar), 7),
        {{ "versions.feed" if "feed" in keys else "null" }},
        'month',
        versions.{{ keys[-1] }},
        {{ add_months("versions." ~ keys[-1], 1) }},
        versions.source_version,
        {{ "split_part(versions.source_version, ' ', 1)" if "feed" in keys else "null" }},
        coalesce(counted.row_count, 0),
        counted.min_event_time,
        counted.max_event_time,
        {{ utc_now() }}
    from versions
    left join counted
        on {% for key in keys %}{{ "and " if not loop.first }}versions.{{ key }} = counted.{{ key }} {% endfor %}
{%- endmacro %}

{#
    Whether the watermarks speak of this table: as many rows in all. They do not where the table was written before
    there were any, or by hand. Counting the rows of a table without a condition costs nothing.
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
    {%- if execute and upstream_models_exist() and not are_watermarks_of(relation) -%}
        {%- do exceptions.raise_compiler_error(
            "expected as many rows in " ~ relation ~ " as the watermarks of " ~ relation.identifier ~ " in "
            ~ asset_watermarks() ~ " say, but the numbers differ. Build it first, which mends that: dbt build --select "
            ~ relation.identifier ~ "+"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Made by warehouse/ledger.py when dbt opens the file. #}
{% macro asset_watermarks() %}{{ return("meta.asset_watermarks") }}{% endmacro %}

{# A select of the partitions to build with their versions; without those that are gone. #}
{% macro partition_versions(partitions) -%}
    {%- set types = dict(config.get('meta').partition_columns, source_version='varchar') -%}
    {%- set rows = [] -%}
    {%- for partition in partitions if partition.source_version is not none -%}
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
