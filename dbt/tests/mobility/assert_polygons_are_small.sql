{{ config(meta={'dagster': {'ref': {'name': 'dim_zone_shape'}}}) }}
-- Whoever draws the map sends all polygons to a browser.
select sum(length(geojson)) as characters
from {{ ref('dim_zone_shape') }}
having sum(length(geojson)) >= 500000
