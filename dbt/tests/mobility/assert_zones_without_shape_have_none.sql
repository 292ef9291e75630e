{{ config(meta={'dagster': {'ref': {'name': 'dim_zone_shape'}}}) }}
-- The seed zones_without_shape says whose polygon shows a zone. Once the zone has its own, the seed hides it.
select locations.location_id
from {{ ref('dim_location') }} as locations
inner join {{ ref('dim_zone_shape') }} as shapes
    on locations.location_id = shapes.location_id
where locations.shape_location_id <> locations.location_id
