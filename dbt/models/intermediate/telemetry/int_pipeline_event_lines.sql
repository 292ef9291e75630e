with

events as (

    select * from {{ ref('stg_event_files__pipeline_events') }}

),

timed as (

    select
        *,
        coalesce(finished_at, started_at) as event_time
    from events

),

judged as (

    select
        *,
        case
            when problem is not null then problem
            when event_id is null then 'missing_event_id'
            when workspace is null then 'missing_workspace'
            when pipeline is null then 'missing_pipeline'
            when not has_start then 'missing_started_at'
            when status is null then 'unknown_status'
            when started_at is null or (has_end and finished_at is null) then 'bad_time'
            when finished_at < started_at then 'ends_before_start'
            -- A day after the hour of the file has ended.
            when event_time > {{ add_hours('source_hour', 25) }} then 'in_the_future'
            when lower(workspace) = 'platform' and feed <> 'platform_runs' then 'reserved_workspace'
        end as fault
    from timed

)

select * from judged
