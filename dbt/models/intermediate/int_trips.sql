with

trips as (

    select * from {{ ref('int_trips_unioned') }}

),

timed as (

    select
        *,
        {{ minutes_between('pickup_datetime', 'dropoff_datetime') }}
        + {{ clock_change_minutes('pickup_datetime', 'dropoff_datetime') }} as trip_duration_minutes
    from trips

),

measured as (

    select
        *,
        case
            when trip_distance > 0 and trip_duration_minutes > 0 then trip_distance / (trip_duration_minutes / 60)
        end as avg_speed_mph
    from timed

),

classified as (

    select
        *,
        case
            when pickup_datetime is null or dropoff_datetime is null then 'missing_times'
            when
                pickup_datetime < {{ add_days('source_month', -2) }}
                or pickup_datetime >= {{ add_days(add_months('source_month', 1), 2) }}
                then 'pickup_outside_source_month'
            when trip_duration_minutes < 0 then 'dropoff_before_pickup'
            when is_repeated_ride then 'repeated_ride_id'
        end as quarantine_reason,
        coalesce(total_amount < 0, false) as is_refund,
        coalesce(trip_distance < 0 or trip_distance > 200, false) as is_distance_outlier,
        trip_duration_minutes <= 0 or trip_duration_minutes > 1440 as is_duration_outlier,
        coalesce(avg_speed_mph > 100, false) as is_speed_outlier
    from measured

)

select * from classified
