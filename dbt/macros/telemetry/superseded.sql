{#
    What is said again of the same thing in another file: the latest is right, however old the other file. Files are
    built one by one, and a file may be replaced by one that says less. So a model keeps, of each file, the latest sound
    row of each thing (the candidates). It has few columns, and is right whatever the other files say. Of all of them
    together follows which row is right; and a file is built again when it loses or wins a thing.
#}

{# Of each thing, as `keys` name it, the latest row of each file: a select of these columns. #}
{% macro latest_of_each_file(rows, keys, period, latest_first, columns) -%}
    select {{ columns | join(', ') }}
    from (
        select
            *,
            row_number() over (partition by {{ (keys + [period]) | join(', ') }} order by {{ latest_first }}) as age
        from {{ rows }}
    ) as ranked
    where age = 1
{%- endmacro %}

{# The candidates that are not right, because those of another file are later. #}
{% macro candidates_superseded(candidates, keys, period, latest_first) -%}
    {%- set names = keys | join(', ') -%}
    {%- set of_candidates, same_thing = [], [] -%}
    {%- for key in keys -%}
        {%- do of_candidates.append("candidates." ~ key) -%}
        {%- do same_thing.append("candidates." ~ key ~ " = repeated." ~ key) -%}
    {%- endfor -%}
    {#- Most things are in one file only: counting them first is a quarter of the work of sorting them all. -#}
    select
        {{ names }},
        {{ period }},
        is_right_in as superseded_by
    from (
        select
            candidates.*,
            first_value(candidates.{{ period }}) over (
                partition by {{ of_candidates | join(', ') }} order by {{ latest_first }}
            ) as is_right_in
        from {{ candidates }} as candidates
        inner join (
            select {{ names }}
            from {{ candidates }}
            group by {{ names }}
            having count(*) > 1
        ) as repeated
            on {{ same_thing | join(' and ') }}
    ) as decided
    where {{ period }} <> is_right_in
{%- endmacro %}

{#
    What every partition is built from: its load, and what of it is superseded by other files. So a file of today that
    corrects an event of last year builds the hour of last year again.
#}
{% macro partitions_without_superseded(loaded, superseded, period, thing) -%}
    select
        loaded.feed,
        loaded.{{ period }},
        loaded.version || coalesce(' without ' || lost.version, '') as version,
        loaded.load_id,
        loaded.row_count
    from ({{ loaded }}) as loaded
    left join (
        select
            feed,
            {{ period }},
            {{ dbt.hash(dbt.listagg(thing, "' '", 'order by ' ~ thing)) }} as version
        from {{ superseded }}
        group by feed, {{ period }}
    ) as lost
        on loaded.feed = lost.feed
        and loaded.{{ period }} = lost.{{ period }}
{%- endmacro %}

{% macro expected_event_hours() -%}
    {{ return(partitions_without_superseded(
        loaded_hours('stg_event_files__pipeline_events'), ref('int_pipeline_events_superseded'), 'source_hour', 'event_id'
    )) }}
{%- endmacro %}

{% macro expected_crawl_days() -%}
    {{ return(partitions_without_superseded(
        loaded_days('stg_event_files__crawler_results'),
        ref('int_crawls_superseded'),
        'source_date',
        "user_name || ' ' || " ~ dbt.cast('crawl_date', dbt.type_string())
    )) }}
{%- endmacro %}
