{{
    config(
        materialized='replace_partitions',
        partition_by=event_date_partition(),
        event_time='event_date',
        batch_rows=0,
    )
}}
{#- Each day begins with the outages that were open the day before: see macros/replace_partitions/README.md. #}
{%- set partitions = partitions_to_build(expected_outage_days()) %}
{%- set carried_columns = [
    ('workspace', dbt.type_string()), ('pipeline', dbt.type_string()), ('began_at', dbt.type_timestamp()),
    ('failed_runs', 'bigint'), ('recovered_at', dbt.type_timestamp()),
] %}

with

events as (

    {{ rows_of_partitions(ref('silver_pipeline_events'), partitions) }}

),

all_days as (

    {{ expected_outage_days() }}

),

days as (

    {{ rows_of_partitions('all_days', partitions) }}

),

day_before as (

    {{ rows_before(partitions, carried_columns) }}

),

runs as (

    select
        event_date,
        workspace,
        pipeline,
        event_time,
        status,
        -- How many successes came before: failures with the same number, and the success after them, are one outage.
        count(case when status = 'success' then 1 end) over (
            partition by event_date, workspace, pipeline
            order by {{ run_order() }}
            rows between unbounded preceding and 1 preceding
        ) as success_number
    from events
    where status in ('failed', 'success')

),

-- What is carried into the day is open, so it comes before the first success.
entries as (

    select
        event_date,
        workspace,
        pipeline,
        success_number,
        case when status = 'failed' then event_time end as began_at,
        case when status = 'failed' then 1 else 0 end as failed_runs,
        case when status = 'success' then event_time end as recovered_at
    from runs
    union all
    select
        days.event_date,
        day_before.workspace,
        day_before.pipeline,
        0 as success_number,
        day_before.began_at,
        day_before.failed_runs,
        day_before.recovered_at
    from day_before
    cross join days
    where day_before.recovered_at is null

),

grouped as (

    select
        event_date,
        workspace,
        pipeline,
        min(began_at) as began_at,
        cast(sum(failed_runs) as bigint) as failed_runs,
        max(recovered_at) as recovered_at
    from entries
    group by event_date, workspace, pipeline, success_number

),

outages as (

    select
        event_date,
        workspace,
        pipeline,
        began_at,
        failed_runs,
        recovered_at,
        {{ seconds_between('began_at', 'recovered_at') }} as recovery_seconds
    from grouped
    where failed_runs > 0

)

select * from outages
