-- What the pages of the portal and the saved queries ask, of the two facts alone. The comment above a query names it.

-- overview: trips and money of all months
select pickup_month, trip_type, cast(sum(trip_count) as bigint) as trips, sum(total_revenue) as revenue
from hourly
group by pickup_month, trip_type
order by pickup_month, trip_type;

-- by_day: two months of two types by day
select pickup_date, trip_type, cast(sum(trip_count) as bigint) as trips, sum(total_revenue) as revenue
from hourly
where pickup_month between date '2024-11-01' and date '2024-12-01' and trip_type in ('yellow_taxi', 'citibike')
group by pickup_date, trip_type
order by pickup_date, trip_type;

-- figures: the cards above the page about demand
select
    count(*) as trips,
    sum(total_amount) as revenue,
    avg(total_amount) filter (where total_amount > 0) as avg_fare,
    avg(trip_duration_minutes) filter (where is_sane) as avg_duration
from trips
where pickup_date between date '2024-10-01' and date '2024-12-31';

-- week: trips per hour by weekday (1 is Monday) and hour of the day
select
    isodow(pickup_date) as weekday,
    pickup_hour_of_day,
    sum(trip_count) / count(distinct hour_timestamp) as trips_per_hour
from hourly
where pickup_month between date '2024-01-01' and date '2024-12-01'
group by weekday, pickup_hour_of_day
order by weekday, pickup_hour_of_day;

-- hour_profile: trips, speed and duration by hour of the day and type
select
    pickup_hour_of_day,
    trip_type,
    count(*) as trips,
    avg(avg_speed_mph) filter (where is_sane) as avg_speed,
    avg(trip_duration_minutes) filter (where is_sane) as avg_duration
from trips
group by pickup_hour_of_day, trip_type
order by pickup_hour_of_day, trip_type;

-- weather_by_day: trips beside the weather of the hours that had any
with hours as (
    select
        hour_timestamp,
        pickup_date,
        sum(trip_count) as trips,
        max(temperature_celsius) as temperature,
        max(precipitation_mm) as precipitation
    from hourly
    where pickup_month between date '2024-10-01' and date '2024-12-01'
    group by hour_timestamp, pickup_date
)

select
    pickup_date,
    cast(sum(trips) as bigint) as trips,
    avg(temperature) as temperature,
    sum(precipitation) as precipitation
from hours
group by pickup_date
order by pickup_date;

-- zones: the map of a month
select
    pickup_location_id,
    count(*) as trips,
    avg(total_amount) filter (where total_amount > 0) as avg_fare
from trips
where pickup_month = date '2024-12-01' and trip_type <> 'citibike'
group by pickup_location_id
order by pickup_location_id;

-- from_zone: where the trips from one zone go
select dropoff_location_id, count(*) as trips
from trips
where pickup_month = date '2024-12-01' and trip_type <> 'citibike' and pickup_location_id = 132
group by dropoff_location_id
order by trips desc, dropoff_location_id
limit 20;

-- stations: bikes that leave and come in a month
with ends as (
    select start_station_id as station_id, 1 as departures, 0 as arrivals
    from trips
    where pickup_month = date '2024-12-01' and trip_type = 'citibike'
    union all
    select end_station_id as station_id, 0 as departures, 1 as arrivals
    from trips
    where pickup_month = date '2024-12-01' and trip_type = 'citibike'
)

select
    station_id,
    cast(sum(departures) as bigint) as departures,
    cast(sum(arrivals) as bigint) as arrivals,
    cast(sum(arrivals) - sum(departures) as bigint) as balance
from ends
group by station_id
order by station_id;

-- weather_effect: how often each type is used in rain and snow, and for how long
select
    trip_type,
    count(*) as trips,
    avg(case when is_rain then 1e0 else 0e0 end) as rain_rate,
    avg(case when is_snow then 1e0 else 0e0 end) as snow_rate,
    avg(trip_duration_minutes) filter (where is_sane and is_adverse_weather) as avg_duration_adverse,
    avg(trip_duration_minutes) filter (where is_sane and is_pleasant_weather) as avg_duration_pleasant
from trips
where has_weather
group by trip_type
order by trip_type;
