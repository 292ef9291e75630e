-- The raw tables that the floor's SQL reads, and what puts a month's file into each. The comment names the feed.

-- yellow
select
    vendorid::integer as vendor_id, tpep_pickup_datetime, tpep_dropoff_datetime,
    passenger_count::integer as passenger_count, trip_distance, ratecodeid::integer as ratecode_id,
    pulocationid::integer as pu_location_id, dolocationid::integer as do_location_id,
    payment_type::integer as payment_type, fare_amount, extra, mta_tax, tip_amount, tolls_amount,
    improvement_surcharge, total_amount, congestion_surcharge, airport_fee, cbd_congestion_fee,
    $common, file_row_number as source_row
from (
    from read_parquet($files, file_row_number = true)
    union all by name
    select null::double as cbd_congestion_fee
    where false
);

-- fhv
select
    dispatching_base_num, pickup_datetime, dropoff_datetime, pulocationid::integer as pu_location_id,
    dolocationid::integer as do_location_id, sr_flag::integer as sr_flag, affiliated_base_number,
    $common, file_row_number as source_row
from read_parquet($files, file_row_number = true);

-- citibike
select *, $common, row_number() over () - 1 as source_row
from read_csv($files, header = true, auto_detect = false, delim = ',', quote = '"', new_line = '\r\n', columns = {
    'ride_id': 'varchar', 'rideable_type': 'varchar', 'started_at': 'timestamp', 'ended_at': 'timestamp',
    'start_station_name': 'varchar', 'start_station_id': 'varchar', 'end_station_name': 'varchar',
    'end_station_id': 'varchar', 'start_lat': 'double', 'start_lng': 'double', 'end_lat': 'double',
    'end_lng': 'double', 'member_casual': 'varchar'
});

-- weather
select *, $common, file_row_number as source_row
from (select * from read_parquet($files, file_row_number = true));
