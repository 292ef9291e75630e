{{ config(meta={'dagster': {'ref': {'name': 'fct_hourly_mobility'}}}) }}
-- One amount that is NaN or infinite makes the sums and means of its hour so. Other tests leave such sums out.
select
    pickup_month,
    trip_type,
    count(*) as hour_count,
    min(hour_timestamp) as first_hour
from {{ ref('fct_hourly_mobility') }}
where not {{ is_finite('total_revenue') }}
group by pickup_month, trip_type
order by pickup_month, trip_type
