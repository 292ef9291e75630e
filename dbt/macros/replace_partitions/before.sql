{#
    What a model needs whose periods build on each other, such as a balance that is carried from day to day: its own rows
    of the period before, and versions that change with those of all periods before.
#}

{#
    The model's own rows of the period before the one that is built: a select of these columns, each a pair of name and
    type. Without rows where nothing comes before. Periods are built in the order of time, one in each batch, so that the
    period before is right by then, on a full refresh too. `partitions` is what partitions_to_build gave.
#}
{% macro rows_before(partitions, columns) -%}
    {%- set before = partitions_before(partitions) -%}
    {%- if before -%}
    select
        {% for name, type in columns -%}
        {{ name }}{{ "," if not loop.last }}
        {% endfor -%}
    from {{ this }}
    where {{ partitions_condition(before) }}
    {%- else -%}
    {#- Before a first build there is no table to read. -#}
    select
        {% for name, type in columns -%}
        cast(null as {{ type }}) as {{ name }}{{ "," if not loop.last }}
        {% endfor -%}
    from (select 1 as nothing) as nothing_before
    where false
    {%- endif -%}
{%- endmacro %}

{#
    Of each partition of the batch the one before it, of the same feed. A period without rows is one, too, and one that is
    gone is none: so it goes by what the model ought to hold and not by its rows.
#}
{% macro partitions_before(partitions) -%}
    {%- set plan = context.get('replace_partitions_plan') -%}
    {%- if not plan or plan.batch is none -%}{{ return([]) }}{%- endif -%}
    {%- set settings = replace_partitions_config() -%}
    {%- if settings.batch_rows != 0 -%}
        {%- do wrong_config('batch_rows', '0, one period at a time, because its query calls rows_before',
            settings.batch_rows) -%}
    {%- endif -%}
    {%- if 'held' not in plan -%}{%- do plan.update({'held': partitions_after_the_build(plan)}) -%}{%- endif -%}
    {%- set time = settings.time.field -%}
    {%- set found = [] -%}
    {%- for partition in partitions if partition.version is not none -%}
        {%- set earlier = [] -%}
        {%- for held in plan.held if held[time] < partition[time] -%}
            {%- if not settings.feed or held[settings.feed.field] == partition[settings.feed.field] -%}
                {%- do earlier.append(held) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if earlier -%}{%- do found.append(earlier[-1]) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# All partitions that the model ought to hold, in the order of time: mappings with the fields of partition_by. #}
{% macro partitions_after_the_build(plan) -%}
    {%- set settings = replace_partitions_config() -%}
    {%- set names = settings.fields | map(attribute='field') | list -%}
    {%- set query = "select " ~ names | join(", ") ~ " from (" ~ plan.expected ~ ") as expected order by "
        ~ settings.time.field -%}
    {%- set partitions = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- set partition = {} -%}
        {%- for name in names -%}{%- do partition.update({name: row[name] | string}) -%}{%- endfor -%}
        {%- do partitions.append(partition) -%}
    {%- endfor -%}
    {{ return(partitions) }}
{%- endmacro %}

{#
    A version that changes when that of this period or of any period before has changed, or when there is another period
    before; `feed` is the column with the feed, where the model has one. `version` is never missing.
#}
{% macro version_with_all_before(time, version, feed=none) -%}
    {#- A short hash of each, because the text of a period has those of all before it. -#}
    {%- set short = "substring(" ~ dbt.hash(dbt.cast(time, dbt.type_string()) ~ " || ' ' || " ~ version) ~ ", 1, 16)" -%}
    {{ return(dbt.hash(running_text(short, time, feed))) }}
{%- endmacro %}
