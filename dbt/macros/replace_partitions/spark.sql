{#
    replace_partitions on Spark, which has no transactions over tables and ledger. So it works in an order in which a
    crash at any point leaves partitions without a watermark, and those are built again by the next run:

    1. the watermarks of the partitions are deleted;
    2. each batch overwrites its partitions, and no others;
    3. partitions that got no row are dropped;
    4. the watermarks are written.
#}
{% macro spark__replace_partitions_sql(relation, plan, no_rows) -%}
    {%- do adapter.write_ledger(delete_watermarks_sql(plan), is_shown=false) -%}
    {%- set before = [] -%}
    {%- if plan.is_whole -%}
        {%- do run_query("drop table if exists " ~ relation) -%}
        {%- do run_query(spark_table_sql(relation, no_rows)) -%}
    {%- else -%}
        {%- set before = files_of_partitions(relation, plan.partitions) -%}
    {%- endif -%}
    {%- for partitions in batches_of(plan.partitions | rejectattr('version', 'none') | list) -%}
        {%- do run_query(overwrite_partitions_sql(relation, query_of_batch(partitions))) -%}
    {%- endfor -%}
    {%- if before -%}{%- do drop_unwritten_partitions(relation, plan.partitions, before) -%}{%- endif -%}
    {%- do adapter.write_ledger(replace_watermarks_sql(plan)) -%}
    select 'partitions replaced' as outcome
{%- endmacro %}

{# An empty table with the columns of a query, partitioned by the fields of partition_by. #}
{% macro spark_table_sql(relation, query) -%}
    {%- set fields = replace_partitions_config().fields | map(attribute='field') | list -%}
    {%- set columns = [] -%}
    {%- for column in columns_of_query(query) -%}
        {%- set description = (model.columns.get(column.name) or {}).get('description') -%}
        {%- set comment = " comment " ~ engine_literal(description) if description else "" -%}
        {%- do columns.append(column.name ~ " " ~ column.data_type ~ comment) -%}
    {%- endfor -%}
    create table {{ relation }} (
        {{ columns | join(", ") }}
    )
    {{ file_format_clause() }}
    partitioned by ({{ fields | join(", ") }})
    {% if model.description -%}
    comment {{ engine_literal(model.description) }}
    {%- endif -%}
{%- endmacro %}

{#
    A partition's rows are brought together before they are written, so that it has one file, or some of the size that
    Spark advises, and not one of every task.
#}
{% macro overwrite_partitions_sql(relation, query) -%}
    {%- set fields = replace_partitions_config().fields | map(attribute='field') | join(", ") -%}
    insert overwrite {{ relation }} by name
    select /*+ rebalance({{ fields }}) */ *
    from ({{ query }}) as rows_of_batch
{%- endmacro %}

{# A row for each file of these partitions: the fields of partition_by as text, and the file's path as the last. #}
{% macro files_of_partitions(relation, partitions) -%}
    {%- set names = replace_partitions_config().fields | map(attribute='field') | list -%}
    {%- set path = '_file' if config.get('file_format') == 'iceberg' else '_metadata.file_path' -%}
    {%- set query -%}
        select distinct {{ names | join(", ") }}, {{ path }} as file_path
        from {{ relation }}
        where {{ partitions_condition(partitions) }}
    {%- endset -%}
    {%- set files = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- set file = [] -%}
        {%- for value in row -%}{%- do file.append(value | string) -%}{%- endfor -%}
        {%- do files.append(file) -%}
    {%- endfor -%}
    {{ return(files) }}
{%- endmacro %}

{# Drops partitions that have a file of before still: nothing was written into them, so they have no rows any more. #}
{% macro drop_unwritten_partitions(relation, partitions, before) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set gone = [] -%}
    {%- for file in files_of_partitions(relation, partitions) if file in before -%}
        {%- set partition = {} -%}
        {%- for field in settings.fields -%}{%- do partition.update({field.field: file[loop.index0]}) -%}{%- endfor -%}
        {%- if partition not in gone -%}{%- do gone.append(partition) -%}{%- endif -%}
    {%- endfor -%}
    {%- if gone and config.get('file_format', 'parquet') == 'parquet' -%}
        {%- set parts = [] -%}
        {%- for partition in gone -%}
            {%- set values = [] -%}
            {%- for name, value in partition.items() -%}
                {%- do values.append(name ~ " = " ~ engine_literal(value)) -%}
            {%- endfor -%}
            {%- do parts.append("partition (" ~ values | join(", ") ~ ")") -%}
        {%- endfor -%}
        {%- do run_query("alter table " ~ relation ~ " drop if exists " ~ parts | join(", ")) -%}
    {%- elif gone -%}
        {%- do run_query("delete from " ~ relation ~ " where " ~ partitions_condition(gone)) -%}
    {%- endif -%}
{%- endmacro %}

{#
    The partitions that the table holds, and what each was built from. One whose rows are not as many as its watermark
    says has changed: a crash, or other hands, left it so.
#}
{% macro spark__held_partitions_sql() -%}
    {%- set fields = replace_partitions_config().fields | map(attribute='field') | list -%}
    select
        {% for field in fields -%}
        coalesce(watermarks.{{ field }}, counted.{{ field }}) as {{ field }},
        {% endfor -%}
        case
            when coalesce(counted.row_count, 0) = watermarks.row_count then watermarks.version
            else 'not as its watermark says'
        end as version
    from ({{ watermarks_of_model() }}) as watermarks
    full outer join (
        select
            {{ fields | join(", ") }},
            count(*) as row_count
        from {{ this }}
        group by {{ fields | join(", ") }}
    ) as counted
        on {% for field in fields %}{{ "and " if not loop.first }}watermarks.{{ field }} = counted.{{ field }} {% endfor %}
{%- endmacro %}

{# Counted by Spark, written down for the ledger. #}
{% macro spark__counted_partitions_sql(plan) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set names = settings.fields | map(attribute='field') | list -%}
    {%- set types = settings.fields | map(attribute='data_type') | list + ['bigint', 'timestamp', 'timestamp'] -%}
    {%- set rows = [] -%}
    {%- for row in run_query(default__counted_partitions_sql(plan)).rows -%}
        {%- set values = [] -%}
        {%- for value in row -%}{%- do values.append(typed_literal(value, types[loop.index0])) -%}{%- endfor -%}
        {%- do rows.append("(" ~ values | join(", ") ~ ")") -%}
    {%- endfor -%}
    {%- set columns = names + ['row_count', 'min_event_time', 'max_event_time'] -%}
    {%- if not rows -%}
        {%- set nulls = [] -%}
        {%- for type in types -%}{%- do nulls.append(typed_literal(none, type)) -%}{%- endfor -%}
        {%- do rows.append("(" ~ nulls | join(", ") ~ ")") -%}
    {%- endif -%}
    select * from (values {{ rows | join(", ") }}) as counted ({{ columns | join(", ") }})
{%- endmacro %}

{% macro spark__columns_of_query(query) -%}
    {%- set columns = [] -%}
    {%- for row in run_query("describe query " ~ query).rows -%}
        {%- do columns.append(api.Column(row[0], row[1])) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
