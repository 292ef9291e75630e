with

loads as (

    {% for feed in registered_feeds() | unique(attribute='raw_table') -%}
    select
        feed,
        {{ period_key(feed.period_column, feed.grain) }} as partition_key,
        _dlt_load_id as load_id,
        count(*) as row_count
    from {{ source('raw_data', feed.raw_table) }}
    group by feed, {{ feed.period_column }}, _dlt_load_id
    {{ "union all" if not loop.last }}
    {% endfor %}
),

partitions as (

    select
        feed,
        partition_key,
        max(load_id) as load_id,
        count(*) as load_count,
        cast(sum(row_count) as bigint) as row_count
    from loads
    group by feed, partition_key

)

select * from partitions
