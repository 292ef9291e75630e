with

loads as (

    {#- Of a table with one feed only days and loads are grouped: of many rows that takes half as long. #}
    {% for raw_table, feeds in registered_feeds() | groupby('raw_table') -%}
    {%- set period = feeds[0].period_column -%}
    {%- set is_stream = feeds[0].is_stream -%}
    select
        {{ "feed" if feeds | length > 1 else "'" ~ feeds[0].feed ~ "'" }} as feed,
        {{ period_key(period, feeds[0].grain) }} as partition_key,
        {{ "cast(null as " ~ dbt.type_string() ~ ")" if is_stream else "_dlt_load_id" }} as load_id,
        count(*) as row_count
    from {{ source('raw_data', raw_table) }}
    group by {{ "feed, " if feeds | length > 1 }}{{ period }}{{ ", _dlt_load_id" if not is_stream }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

partitions as (

    select
        feed,
        partition_key,
        max(load_id) as load_id,
        count(load_id) as load_count,
        cast(sum(row_count) as bigint) as row_count
    from loads
    group by feed, partition_key

)

select * from partitions
