"""Ways to break gold of telemetry."""

_OUTAGES, _METRICS, _PROFILES = (
    f"core_telemetry.gold_{name}" for name in ("pipeline_outages", "pipeline_metrics", "user_profiles")
)

FAULTS = {
    "gold_pipeline_outages": {
        "outage_and_day_unique": f"insert into {_OUTAGES} from (from {_OUTAGES} limit 1)",
        "failed_runs_in_range": f"update {_OUTAGES} set failed_runs = 0",
        "ends_after_it_began": f"update {_OUTAGES} set recovered_at = began_at - interval 1 hour",
        "ended_on_the_day": f"update {_OUTAGES} set event_date = event_date - 1",
        "seconds_are_of_the_times": f"update {_OUTAGES} set recovered_at = began_at, recovery_seconds = 1",
        "one_open_outage_a_pipeline": f"""
            insert into {_OUTAGES} by name
            select outages.* replace (
                began_at - to_hours(number) as began_at, null as recovered_at, null as recovery_seconds
            )
            from (from {_OUTAGES} limit 1) as outages, range(1, 3) as numbers (number)
        """,
    },
    "gold_pipeline_metrics": {
        "workspace_and_day_unique": f"insert into {_METRICS} from (from {_METRICS} limit 1)",
        "run_count_in_range": f"update {_METRICS} set run_count = 0",
        "success_rate_in_range": f"update {_METRICS} set success_rate = 1.01",
        "median_duration_seconds_in_range": f"update {_METRICS} set median_duration_seconds = -1",
        "p95_not_below_median": f"update {_METRICS} set p95_duration_seconds = 1, median_duration_seconds = 2",
        "rows_processed_in_range": f"update {_METRICS} set rows_processed = -1",
        "successes_and_failures_within_runs": f"update {_METRICS} set failure_count = run_count + 1",
        "rate_is_of_the_counts": f"update {_METRICS} set success_rate = null",
        "kinds_add_up_to_the_failures": f"update {_METRICS} set failure_count = failure_count + 1",
        "recoveries_are_those_of_the_outages": f"update {_METRICS} set recovery_count = recovery_count + 1",
    },
    "gold_user_profiles": {
        "user_name_unique": f"insert into {_PROFILES} from (from {_PROFILES} limit 1)",
        "completeness_in_range": f"update {_PROFILES} set completeness = 1.1",
        "engagement_score_in_range": f"update {_PROFILES} set engagement_score = 100.01",
        "influence_score_in_range": f"update {_PROFILES} set influence_score = -1",
        "crawl_count_in_range": f"update {_PROFILES} set crawl_count = 0",
        "last_crawl_not_before_the_first": (
            f"update {_PROFILES} set first_crawled_at = last_crawled_at + interval 1 second"
        ),
        "influence_where_there_are_followers": f"update {_PROFILES} set influence_score = null",
        "crawled_before_where_crawled_twice": f"update {_PROFILES} set previous_crawled_at = last_crawled_at",
        "latest_crawl": f"update {_PROFILES} set last_crawled_at = last_crawled_at - interval 1 second",
    },
}
