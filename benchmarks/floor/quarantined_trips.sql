with $trips

select
    trip_id, feed, source_month, source_row, trip_type, ride_id, pickup_location_id, dropoff_location_id, load_id,
    reason, trip_distance, total_amount, pickup_datetime, dropoff_datetime
from trips
where reason is not null
