with

shapes as (

    select * from {{ ref('int_zone_shapes') }}

),

zones as (

    select
        location_id,
        min(zone_name) as zone_name,
        min(borough) as borough,
        cast(count(*) as integer) as shape_count,
        '{"type":"MultiPolygon","coordinates":['
        || {{ dbt.listagg('polygons', "','", 'order by source_row') }}
        || ']}' as geojson
    from shapes
    group by location_id

)

select * from zones
