{{
    config(
        materialized='replace_partitions',
        partition_by=event_date_partition(),
        event_time='event_date',
    )
}}
{%- set partitions = partitions_to_build(expected_metric_days()) %}

with

events as (

    {{ rows_of_partitions(ref('silver_pipeline_events'), partitions) }}

),

outages as (

    {{ rows_of_partitions(ref('gold_pipeline_outages'), partitions) }}

),

runs as (

    select * from events
    where {{ has_ended('status') }}

),

totals as (

    select
        workspace,
        event_date,
        count(*) as run_count,
        count(case when status = 'success' then 1 end) as success_count,
        count(case when status = 'failed' then 1 end) as failure_count,
        avg(case status when 'success' then 1 when 'failed' then 0 end) as success_rate,
        {{ median('duration_seconds') }} as median_duration_seconds,
        {{ percentile('duration_seconds', 0.95) }} as p95_duration_seconds,
        -- Events may claim any number. One that is too large must not stop the build.
        case
            when count(row_count) > 0
                then cast(least({{ sum_of_integers('row_count') }}, 9223372036854775807) as bigint)
        end as rows_processed
    from runs
    group by workspace, event_date

),

failures as (

    select
        workspace,
        event_date,
        error_kind,
        count(*) as failure_count
    from runs
    where status = 'failed'
    group by workspace, event_date, error_kind

),

kinds as (

    select
        workspace,
        event_date,
        {{ json_of_pairs('error_kind', 'failure_count') }} as failures_by_kind
    from failures
    group by workspace, event_date

),

recoveries as (

    select
        workspace,
        event_date,
        count(recovery_seconds) as recovery_count,
        {{ rounded('avg(recovery_seconds)', 6) }} as mean_time_to_recovery_seconds
    from outages
    group by workspace, event_date

),

pipeline_metrics as (

    select
        totals.workspace,
        totals.event_date,
        totals.run_count,
        totals.success_count,
        totals.failure_count,
        totals.success_rate,
        totals.median_duration_seconds,
        totals.p95_duration_seconds,
        totals.rows_processed,
        coalesce(kinds.failures_by_kind, '{}') as failures_by_kind,
        coalesce(recoveries.recovery_count, 0) as recovery_count,
        recoveries.mean_time_to_recovery_seconds
    from totals
    left join kinds
        on totals.workspace = kinds.workspace
        and totals.event_date = kinds.event_date
    left join recoveries
        on totals.workspace = recoveries.workspace
        and totals.event_date = recoveries.event_date

)

select * from pipeline_metrics
