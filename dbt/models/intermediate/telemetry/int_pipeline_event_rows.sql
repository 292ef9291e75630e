with

lines as (

    select * from {{ ref('int_pipeline_event_lines') }}

),

superseded as (

    select * from {{ ref('int_pipeline_events_superseded') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by feed, source_hour, event_id, fault is null order by {{ latest_event_first() }}
        ) as age
    from lines

),

judged as (

    select
        ranked.*,
        case
            when ranked.fault is not null then ranked.fault
            when ranked.age > 1 or superseded.event_id is not null then 'superseded'
        end as quarantine_reason
    from ranked
    left join superseded
        on ranked.feed = superseded.feed
        and ranked.source_hour = superseded.source_hour
        and ranked.event_id = superseded.event_id

)

select * from judged
