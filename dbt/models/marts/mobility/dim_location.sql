with

zones as (

    select * from {{ ref('taxi_zone_lookup') }}

),

without_shape as (

    select * from {{ ref('zones_without_shape') }}

),

locations as (

    select
        zones.locationid as location_id,
        zones.zone as zone_name,
        zones.borough,
        zones.service_zone,
        coalesce(without_shape.shape_location_id, zones.locationid) as shape_location_id,
        zones.locationid in (1, 132, 138) as is_airport,
        zones.locationid <= 263 as is_known_zone
    from zones
    left join without_shape
        on zones.locationid = without_shape.location_id

)

select * from locations
