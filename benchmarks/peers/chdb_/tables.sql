-- Raw data has a table a feed, as published; the facts have what is asked of them first as their key.

-- yellow
create table if not exists yellow (
    source_month Date, VendorID Nullable(Int32), tpep_pickup_datetime Nullable(DateTime64(6, 'UTC')),
    tpep_dropoff_datetime Nullable(DateTime64(6, 'UTC')), passenger_count Nullable(Int32),
    trip_distance Nullable(Float64), RatecodeID Nullable(Int32), store_and_fwd_flag LowCardinality(Nullable(String)),
    PULocationID Nullable(Int32), DOLocationID Nullable(Int32), payment_type Nullable(Int32),
    fare_amount Nullable(Float64), extra Nullable(Float64), mta_tax Nullable(Float64), tip_amount Nullable(Float64),
    tolls_amount Nullable(Float64), improvement_surcharge Nullable(Float64), total_amount Nullable(Float64),
    congestion_surcharge Nullable(Float64), airport_fee Nullable(Float64), cbd_congestion_fee Nullable(Float64)
) engine = MergeTree partition by source_month order by tuple();

-- fhv
create table if not exists fhv (
    source_month Date, dispatching_base_num LowCardinality(Nullable(String)),
    pickup_datetime Nullable(DateTime64(6, 'UTC')), dropOff_datetime Nullable(DateTime64(6, 'UTC')),
    PUlocationID Nullable(Int32), DOlocationID Nullable(Int32), SR_Flag Nullable(Int32),
    Affiliated_base_number LowCardinality(Nullable(String))
) engine = MergeTree partition by source_month order by tuple();

-- citibike
create table if not exists citibike (
    source_month Date, ride_id Nullable(String), rideable_type LowCardinality(Nullable(String)),
    started_at Nullable(DateTime64(6, 'UTC')), ended_at Nullable(DateTime64(6, 'UTC')),
    start_station_name LowCardinality(Nullable(String)), start_station_id LowCardinality(Nullable(String)),
    end_station_name LowCardinality(Nullable(String)), end_station_id LowCardinality(Nullable(String)),
    start_lat Nullable(Float64), start_lng Nullable(Float64), end_lat Nullable(Float64), end_lng Nullable(Float64),
    member_casual LowCardinality(Nullable(String))
) engine = MergeTree partition by source_month order by tuple();

-- weather
create table if not exists weather (
    source_month Date, time DateTime64(6, 'UTC'), temperature_2m Nullable(Float64),
    relative_humidity_2m Nullable(Float64), dew_point_2m Nullable(Float64), apparent_temperature Nullable(Float64),
    precipitation Nullable(Float64), rain Nullable(Float64), snowfall Nullable(Float64), snow_depth Nullable(Float64),
    weather_code Nullable(Int32), surface_pressure Nullable(Float64), cloud_cover Nullable(Float64),
    wind_speed_10m Nullable(Float64), wind_direction_10m Nullable(Float64), wind_gusts_10m Nullable(Float64)
) engine = MergeTree partition by source_month order by time;

-- trips
create table if not exists trips (
    feed LowCardinality(String), source_month Date, trip_type LowCardinality(String), vendor_id Nullable(Int32),
    rate_code_id Nullable(Int32), payment_type_id Nullable(Int32), license_number LowCardinality(Nullable(String)),
    dispatching_base_number LowCardinality(Nullable(String)), pickup_location_id Int32, dropoff_location_id Int32,
    start_station_id LowCardinality(String), end_station_id LowCardinality(String),
    bike_type LowCardinality(Nullable(String)), rider_type LowCardinality(Nullable(String)),
    passenger_count Nullable(Int32), trip_distance Nullable(Float64), trip_duration_minutes Float64,
    avg_speed_mph Nullable(Float64), fare_amount Nullable(Float64), tip_amount Nullable(Float64),
    tolls_amount Nullable(Float64), congestion_surcharge Nullable(Float64), cbd_congestion_fee Nullable(Float64),
    airport_fee Nullable(Float64), total_amount Nullable(Float64), temperature_celsius Nullable(Float64),
    precipitation_mm Nullable(Float64), snowfall_cm Nullable(Float64), wind_speed_ms Nullable(Float64),
    is_refund Bool, is_distance_outlier Bool, is_duration_outlier Bool, is_speed_outlier Bool, is_outlier Bool,
    is_sane Bool, is_weekend Bool, is_holiday Bool, is_rush_hour Bool, is_business_hours Bool, is_late_night Bool,
    has_weather Bool, is_adverse_weather Nullable(Bool), is_pleasant_weather Nullable(Bool),
    is_good_cycling_weather Nullable(Bool), is_rain Nullable(Bool), is_snow Nullable(Bool),
    pickup_datetime DateTime64(6, 'UTC'), dropoff_datetime DateTime64(6, 'UTC'), pickup_hour DateTime('UTC'),
    pickup_date Date, pickup_month Date, pickup_hour_of_day Int32, dropoff_date Date, dropoff_hour_of_day Int32
) engine = MergeTree partition by (feed, source_month) order by (pickup_month, pickup_date);

-- hourly
create table if not exists hourly (
    hour_timestamp DateTime('UTC'), trip_type LowCardinality(String), pickup_date Date, pickup_month Date,
    pickup_hour_of_day Int32, is_rush_hour Bool, trip_count Int64, rush_hour_trip_count Int64, sane_trip_count Int64,
    refund_count Int64, total_passengers Nullable(Int64), total_revenue Nullable(Float64),
    total_trip_distance_miles Nullable(Float64), total_trip_duration_hours Nullable(Float64),
    avg_trip_duration_minutes Nullable(Float64), median_trip_duration_minutes Nullable(Float64),
    mode_share_pct Float64, rush_hour_share_pct Float64, temperature_celsius Nullable(Float64),
    precipitation_mm Nullable(Float64), snowfall_cm Nullable(Float64), wind_speed_ms Nullable(Float64),
    is_adverse_weather Nullable(Bool), is_pleasant_weather Nullable(Bool), is_rain Nullable(Bool),
    is_snow Nullable(Bool)
) engine = MergeTree partition by pickup_month order by (hour_timestamp, trip_type);
