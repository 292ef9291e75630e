-- metric
select
    pickup_month, trip_type,
    sumIf(total_amount, is_sane and total_amount > 0 and trip_distance is not null)
    / sumIf(trip_distance, is_sane and total_amount > 0) as revenue_per_mile
from trips
group by pickup_month, trip_type
order by pickup_month, trip_type;
