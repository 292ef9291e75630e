"""Every metric of telemetry once more, in plain SQL, on the lines that were published.

The views take nothing from the models: they read raw data of sound lines, keep the latest of each event and profile,
and find the end of an outage by looking for the next success.
"""

VIEWS = """
    create temp view events as
    select
        *,
        cast(time as date) as day,
        date_trunc('hour', time) as hour,
        state in ('success', 'failed', 'canceled', 'skipped') as has_ended,
        epoch_us(ended - began) / 1e6 as seconds
    from (
        select
            feed, source_hour, source_row, event_id, workspace, pipeline,
            case status when 'completed' then 'success' when 'error' then 'failed' else status end as state,
            cast(started_at as timestamp) as began,
            cast(finished_at as timestamp) as ended,
            coalesce(ended, began) as time,
            cast("rows" as bigint) as moved,
            case when status in ('failed', 'error') then
                if(contains(error, ': '), split_part(error, ':', 1), if(error is null, 'unknown', 'other'))
            end as kind,
            date_diff('hour', date_trunc('hour', time), source_hour) as hours_after,
            25 * (
                (run_id is not null)::int
                + (ended is not null or state in ('queued', 'running'))::int
                + (moved is not null or state <> 'success')::int * (error is not null or state <> 'failed')::int
            ) + 25 * greatest(0, least(1, (26 - hours_after) / 24)) as quality
        from raw_data.pipeline_events
        where problem is null and coalesce(ended >= began, true)
    )
    qualify row_number() over (
        partition by feed, event_id order by time desc, source_hour desc, source_row desc
    ) = 1;

    create temp view decided as
    select workspace, pipeline, state, time, row_number() over (order by time, state, event_id, feed) as place
    from events where state in ('success', 'failed');

    create temp view outages as
    select failures.*, ends.time as recovered, cast(ends.time as date) as recovered_on
    from decided as failures
    asof left join (from decided where state = 'success') as ends
        on failures.workspace = ends.workspace and failures.pipeline = ends.pipeline and failures.place < ends.place
    asof left join decided as earlier
        on failures.workspace = earlier.workspace and failures.pipeline = earlier.pipeline
        and failures.place > earlier.place
    where failures.state = 'failed' and earlier.state is distinct from 'failed';

    create temp view outage_days as
    select outages.*, day
    from outages
    inner join (select distinct day from events) as days
        on days.day >= cast(time as date) and (recovered_on is null or days.day <= recovered_on);

    create temp view profiles as
    select
        user_name, day, is_verified, followers,
        case when followers is not null then
            70 * least(1, log10(1 + followers) / log10(10000001))
            + if(following is null, 0, 20 * followers / (followers + following + 1))
            + if(is_verified, 10, 0)
        end as influence,
        case when created <= crawled then
            100 * least(1, log10(1 + posts / greatest(1, epoch_us(crawled - created) / 86400e6)) / log10(51))
        end as engagement
    from (
        select
            user_name, cast(crawled_at as timestamp) as crawled, cast(crawled as date) as day,
            cast(created_at as timestamp) as created, cast(followers as bigint) as followers,
            cast(following as bigint) as following, cast(posts as bigint) as posts,
            cast(verified as boolean) as is_verified
        from raw_data.crawler_results
        where problem is null
        qualify row_number() over (partition by user_name order by crawled desc) = 1
    );
"""

OF_EVENTS = {
    "pipeline_runs": "count(*) filter (has_ended)",
    "successful_runs": "count(*) filter (state = 'success')",
    "failed_runs": "count(*) filter (state = 'failed')",
    "run_success_rate": """
        count(*) filter (state = 'success') / nullif(count(*) filter (state in ('success', 'failed')), 0)""",
    "median_run_duration_seconds": "median(seconds) filter (has_ended)",
    "p95_run_duration_seconds": "quantile_cont(seconds, 0.95) filter (has_ended)",
    "rows_moved": "sum(moved) filter (has_ended)",
    "late_events": "count(*) filter (hours_after > 1)",
    "avg_event_quality_score": "avg(round(quality, 1))",
}

OF_OUTAGES = {
    "recoveries": "count(*) filter (day = recovered_on)",
    "mean_time_to_recovery_seconds": "avg(epoch_us(recovered - time) / 1e6) filter (day = recovered_on)",
    "open_outages": "count(*) filter (day is distinct from recovered_on)",
}

OF_PROFILES = {
    "crawled_profiles": "count(*)",
    "total_followers": "sum(followers)",
    "avg_engagement_score": "avg(round(engagement, 2))",
    "avg_influence_score": "avg(round(influence, 2))",
}

# The metrics by the view that they are of.
DEFINITIONS = {
    **{metric: ("events", sql) for metric, sql in OF_EVENTS.items()},
    **{metric: ("outage_days", sql) for metric, sql in OF_OUTAGES.items()},
    **{metric: ("profiles", sql) for metric, sql in OF_PROFILES.items()},
}

# What they can be grouped by, and what it is in the view.
DIMENSIONS = {
    "events": {
        "metric_time__day": "day",
        "run__workspace": "workspace",
        "run__pipeline": "pipeline",
        "run__status": "state",
        "run__error_kind": "kind",
        "run__feed": "feed",
    },
    "outage_days": {"metric_time__day": "day", "outage__workspace": "workspace", "outage__pipeline": "pipeline"},
    "profiles": {"metric_time__day": "day", "user__is_verified": "is_verified"},
}
