with

partitions as (

    select * from {{ ref('loaded_partitions') }}

),

monthly_files as (

    select
        feed,
        cast(period_start as date) as source_month,
        load_id,
        row_count
    from partitions
    where
        subject = 'mobility'
        and grain = 'month'
        -- A reference file is of no month.
        and {{ is_feed_of('feed', registered_feeds(subject='mobility') | selectattr('event_time') | list) }}

)

select * from monthly_files
