with

station_months as (

    select * from {{ ref('int_station_months') }}

),

-- A station that was renamed has its last name.
latest as (

    select
        *,
        row_number() over (
            partition by station_id
            order by station_name is null asc, last_seen_at desc, feed asc
        ) as recency
    from station_months

),

stations as (

    select
        station_id,
        max(case when recency = 1 then station_name end) as station_name,
        {{ median('latitude') }} as latitude,
        {{ median('longitude') }} as longitude,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        true as is_known_station
    from latest
    group by station_id

),

unknown as (

    select
        '{{ unknown_station_id() }}' as station_id,
        'Unknown' as station_name,
        cast(null as double) as latitude,
        cast(null as double) as longitude,
        cast(null as timestamp) as first_seen_at,
        cast(null as timestamp) as last_seen_at,
        false as is_known_station

),

unioned as (

    select * from stations
    union all
    select * from unknown

)

select * from unioned
