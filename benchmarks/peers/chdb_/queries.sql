-- overview
select pickup_month, trip_type, sum(trip_count) as trips, sum(total_revenue) as revenue
from hourly
group by pickup_month, trip_type
order by pickup_month, trip_type;

-- by_day
select pickup_date, trip_type, sum(trip_count) as trips, sum(total_revenue) as revenue
from hourly
where pickup_month between '2024-11-01' and '2024-12-01' and trip_type in ('yellow_taxi', 'citibike')
group by pickup_date, trip_type
order by pickup_date, trip_type;

-- figures: months are the key of the table
select
    count() as trips, sum(total_amount) as revenue, avgIf(total_amount, total_amount > 0) as avg_fare,
    avgIf(trip_duration_minutes, is_sane) as avg_duration
from trips
where pickup_month between '2024-10-01' and '2024-12-01' and pickup_date between '2024-10-01' and '2024-12-31';

-- week
select
    toDayOfWeek(pickup_date) as weekday, pickup_hour_of_day,
    sum(trip_count) / uniqExact(hour_timestamp) as trips_per_hour
from hourly
where pickup_month between '2024-01-01' and '2024-12-01'
group by weekday, pickup_hour_of_day
order by weekday, pickup_hour_of_day;

-- hour_profile
select
    pickup_hour_of_day, trip_type, count() as trips, avgIf(avg_speed_mph, is_sane) as avg_speed,
    avgOrNullIf(trip_duration_minutes, is_sane) as avg_duration
from trips
group by pickup_hour_of_day, trip_type
order by pickup_hour_of_day, trip_type;

-- weather_by_day
select pickup_date, sum(hour_trips) as trips, avg(degrees) as temperature, sum(rained) as precipitation
from (
    select
        hour_timestamp, pickup_date, sum(trip_count) as hour_trips, max(temperature_celsius) as degrees,
        max(precipitation_mm) as rained
    from hourly
    where pickup_month between '2024-10-01' and '2024-12-01'
    group by hour_timestamp, pickup_date
)
group by pickup_date
order by pickup_date;

-- zones
select pickup_location_id, count() as trips, avgIf(total_amount, total_amount > 0) as avg_fare
from trips
where pickup_month = '2024-12-01' and trip_type <> 'citibike'
group by pickup_location_id
order by pickup_location_id;

-- from_zone
select dropoff_location_id, count() as trips
from trips
where pickup_month = '2024-12-01' and trip_type <> 'citibike' and pickup_location_id = 132
group by dropoff_location_id
order by trips desc, dropoff_location_id
limit 20;

-- stations
select
    pair.1 as station_id, countIf(pair.2 = 1) as departures, countIf(pair.2 = 2) as arrivals,
    toInt64(arrivals) - toInt64(departures) as balance
from (
    select arrayJoin([(start_station_id, 1), (end_station_id, 2)]) as pair
    from trips
    where pickup_month = '2024-12-01' and trip_type = 'citibike'
)
group by station_id
order by station_id;

-- weather_effect
select
    trip_type, count() as trips, avg(coalesce(is_rain, false)) as rain_rate, avg(coalesce(is_snow, false)) as snow_rate,
    avgOrNullIf(trip_duration_minutes, is_sane and is_adverse_weather) as avg_duration_adverse,
    avgOrNullIf(trip_duration_minutes, is_sane and is_pleasant_weather) as avg_duration_pleasant
from trips
where has_weather
group by trip_type
order by trip_type;
