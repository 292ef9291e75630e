{%- set tables = ['yellow_taxi', 'green_taxi', 'fhv_taxi', 'hvfhv_taxi', 'citibike_trips', 'weather_hourly'] -%}

with

{% for table in tables -%}
{{ table }} as (

    select
        feed,
        source_month,
        _dlt_load_id as load_id,
        count(*) as row_count
    from {{ source('raw_data', table) }}
    group by feed, source_month, _dlt_load_id

),

{% endfor -%}

loads as (

    {% for table in tables -%}
    select * from {{ table }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

partitions as (

    select
        feed,
        source_month,
        max(load_id) as load_id,
        count(*) as load_count,
        cast(sum(row_count) as bigint) as row_count
    from loads
    group by feed, source_month

)

select * from partitions
