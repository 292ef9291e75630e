-- metric: revenue per mile by month and trip type, as the platform defines it
select
    pickup_month,
    trip_type,
    sum(total_amount) filter (where is_sane and total_amount > 0 and trip_distance is not null)
    / sum(trip_distance) filter (where is_sane and total_amount > 0) as revenue_per_mile
from trips
group by pickup_month, trip_type
order by pickup_month, trip_type;
