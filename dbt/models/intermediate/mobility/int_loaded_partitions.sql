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
    where subject = 'mobility' and grain = 'month'

)

select * from monthly_files
