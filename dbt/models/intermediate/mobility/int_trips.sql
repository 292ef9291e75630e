with

trips as (

    select * from {{ ref('int_trips_unioned') }}

),

timed as (

    select
        *,
        {{ wall_clock_hour('pickup_datetime') }} as pickup_hour,
        {{ minutes_between('pickup_datetime', 'dropoff_datetime') }}
        + {{ clock_change_minutes('pickup_datetime', 'dropoff_datetime') }} as trip_duration_minutes
    from trips

),

measured as (

    select
        *,
        {{ month_start('pickup_hour') }} as pickup_month,
        cast(pickup_hour as date) as pickup_date,
        {{ date_part_integer('hour', 'pickup_hour') }} as pickup_hour_of_day,
        cast(dropoff_datetime as date) as dropoff_date,
        {{ date_part_integer('hour', 'dropoff_datetime') }} as dropoff_hour_of_day,
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
            when {{ is_outside_source_month('pickup_datetime') }} then 'pickup_outside_source_month'
            when trip_duration_minutes < 0 then 'dropoff_before_pickup'
            when trip_duration_minutes > 30 * 1440 then 'dropoff_long_after_pickup'
            when is_repeated_ride then 'repeated_ride_id'
        end as quarantine_reason,
        coalesce(total_amount < 0, false) as is_refund,
        coalesce(trip_distance < 0 or trip_distance > 200, false) as is_distance_outlier,
        trip_duration_minutes <= 0 or trip_duration_minutes > 1440 as is_duration_outlier,
        coalesce(avg_speed_mph > 100, false) as is_speed_outlier
    from measured

),

judged as (

    select
        *,
        is_distance_outlier or is_duration_outlier or is_speed_outlier as is_outlier,
        not is_distance_outlier
        and not is_duration_outlier
        and not is_speed_outlier
        and not is_refund as is_sane
    from classified

)

select * from judged
