{#
    On-run-start. Stops before the first model where raw data was never loaded: every model would fail, and none would
    say why. Stops, too, where raw data is not what the ledger says was loaded, because models take the ledger for what
    is there. Seeds need no raw data, nor do commands that build nothing (compile, docs).

    Then an engine that cannot read the DuckDB file is given what it has.
#}
{% macro check_raw_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'snapshot', 'test') -%}
        {%- set tables = [] -%}
        {%- set made = [] -%}
        {%- set missing = [] -%}
        {%- set is_anything_loaded = query_raw_data("select 1 from " ~ asset_watermarks() ~ " limit 1") | length > 0 -%}
        {%- for table in graph.sources.values() | selectattr('source_name', 'eq', 'raw_data') -%}
            {%- do tables.append(table) -%}
            {%- set is_missing = is_raw_table_missing(table) -%}
            {%- if is_missing and is_anything_loaded -%}
                {%- do change_raw_data(empty_raw_table(table)) -%}
                {%- do made.append(table.name) -%}
            {%- elif is_missing -%}
                {%- do missing.append(table.schema ~ '.' ~ table.identifier) -%}
            {%- endif -%}
        {%- endfor -%}
        {#- A release has no raw data, and `nyc slim` builds on it only what reads none. -#}
        {%- if target.name == 'slim' and made | length == tables | length -%}{{ return('') }}{%- endif -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                "expected every raw table in " ~ file_of_the_database() ~ ", but " ~ missing | sort | join(', ')
                ~ (" is" if missing | length == 1 else " are") ~ " missing. Load a month first, which makes them all:"
                ~ " python ingestion/run_pipeline.py --year 2025 --months 1"
            ) -%}
        {%- endif -%}
        {%- for row in query_raw_data(raw_tables_unlike_the_ledger(tables)) -%}
            {%- do exceptions.raise_compiler_error(
                "expected " ~ row[1] ~ " rows in " ~ row[0] ~ ", as the ledger (" ~ asset_watermarks() ~ ") says were"
                ~ " loaded, but there are " ~ row[2] ~ ": the table was changed by hand. " ~ what_mends(row[3])
            ) -%}
        {%- endfor -%}
        {%- do bring_raw_tables() -%}
    {%- endif -%}
{%- endmacro %}

{# What to do where a raw table is not what the ledger says of its feeds, whose names are joined by commas. #}
{% macro what_mends(feeds) -%}
    {%- if registered_feeds() | selectattr('feed', 'in', feeds.split(',')) | selectattr('is_stream') | list -%}
        {{ return(
            "Put a copy of the file back. Or take its messages up anew, as far as the broker has them: empty the table,"
            ~ " delete the rows of " ~ feeds ~ " in " ~ asset_watermarks() ~ ", meta.stream_offsets and"
            ~ " raw_data.stream_rejects, then: nyc stream " ~ feeds
        ) }}
    {%- endif -%}
    {{ return(
        "Load its files again: nyc gaps --fill, or nyc load --from … --to … --sources " ~ feeds ~ " --force."
        ~ " To go on without those that no publisher has any more: nyc restore --give-up"
    ) }}
{%- endmacro %}

{#
    A raw table without rows. A database that an earlier version loaded lacks those of newer feeds; the next load would
    make them, and nobody should have to load before they build.
#}
{% macro empty_raw_table(table) -%}
    create table {{ table.schema }}.{{ table.identifier }} (
        {% for column in table.columns.values() -%}
        {{ column.name }} {{ column.data_type }}{{ "," if not loop.last }}
        {% endfor -%}
    )
{%- endmacro %}

{# Name, rows expected, rows there, and feeds of each such table. Counting a table's rows costs nothing. #}
{% macro raw_tables_unlike_the_ledger(tables) -%}
    {%- for table in tables %}
    select
        '{{ table.schema }}.{{ table.identifier }}' as table_name,
        (
            select coalesce(cast(sum(rows) as bigint), 0)
            from {{ asset_watermarks() }}
            where asset in ('{{ table.meta.feeds | join("', '") }}')
        ) as expected,
        (select count(*) from {{ table.schema }}.{{ table.identifier }}) as found,
        '{{ table.meta.feeds | join(",") }}' as feeds
    where expected <> found
    {{ "union all" if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
