with

station_months as (

    select * from {{ ref('int_station_months') }}

),

names as (

    select
        feed,
        source_month,
        station_id,
        station_name
    from station_months
    where station_name is not null
    union all
    select
        feed,
        source_month,
        station_id,
        other_station_name as station_name
    from station_months
    where other_station_name is not null

),

-- A name that two stations bear does not tell which one is meant.
names_of_one_station as (

    select
        feed,
        source_month,
        station_name,
        min(station_id) as station_id
    from names
    group by feed, source_month, station_name
    having count(*) = 1

)

select * from names_of_one_station
