with

events as (

    select * from {{ ref('known_events') }}

),

dates as (

    select date_day from {{ ref('int_dates_of_data') }}

),

feeds as (

    select distinct feed
    from {{ ref('int_loaded_partitions') }}
    where {{ is_feed_of('feed', registered_feeds('mobility', 'trip')) }}

),

event_days as (

    select
        feeds.feed,
        dates.date_day,
        min(events.event_name) as event_name
    from events
    inner join dates
        on dates.date_day between events.first_date and events.last_date
    inner join feeds
        on events.feeds = 'all'
        or ' ' || events.feeds || ' ' like '% ' || feeds.feed || ' %'
    group by feeds.feed, dates.date_day

)

select * from event_days
