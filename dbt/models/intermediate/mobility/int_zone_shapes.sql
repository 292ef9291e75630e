{{ config(materialized='table') }}

with

shapes as (

    select * from {{ ref('stg_tlc__taxi_zones') }}

),

-- The polygons of a MultiPolygon, without the brackets around them: those of several shapes can be written in a row.
with_polygons as (

    select
        feed,
        source_month,
        source_row,
        load_id,
        location_id,
        zone_name,
        borough,
        {{ elements_of_json_array('geometry', '$.coordinates') }} as polygons
    from shapes

)

select * from with_polygons
