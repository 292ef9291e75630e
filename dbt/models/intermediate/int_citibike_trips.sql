with

trips as (

    select * from {{ ref('stg_citibike__trips') }}

),

flagged as (

    select
        *,
        -- Partitioned by feed and month first, so that conditions on those reach the scan.
        -- Rides of before 2021-02 have no id.
        ride_id is not null
        and source_row > min(source_row) over (partition by feed, source_month, ride_id) as is_repeated_ride
    from trips

)

select * from flagged
