with

zones as (

    select * from {{ ref('taxi_zone_lookup') }}

),

locations as (

    select
        locationid as location_id,
        zone as zone_name,
        borough,
        service_zone,
        locationid in (1, 132, 138) as is_airport,
        locationid <= 263 as is_known_zone
    from zones

)

select * from locations
