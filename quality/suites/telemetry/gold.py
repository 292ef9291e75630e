"""What gold says of pipelines, their outages, and profiles."""

from quality.rows import at_least, between, no_rows, none_where, unique, unique_together
from quality.suite import Expectation, Suite

SCHEMA = "core_telemetry"

# Means of doubles may be off in their last digits.
_EPSILON = 1e-6


def _gold(model: str, *expectations: Expectation) -> Suite:
    return Suite(model, model, f"{SCHEMA}.{model}", "rows", expectations)


OUTAGES = _gold(
    "gold_pipeline_outages",
    unique_together("outage_and_day_unique", ("workspace", "pipeline", "began_at", "event_date")),
    between("failed_runs", 1, None),
    at_least("ends_after_it_began", "recovered_at", "began_at"),
    none_where(
        "ended_on_the_day",
        "cast(recovered_at as date) <> event_date or cast(began_at as date) > event_date",
        "An outage that ended did so on its day, and began then or before.",
    ),
    none_where(
        "seconds_are_of_the_times",
        "recovery_seconds is distinct from epoch_us(recovered_at - began_at) / 1e6",
        "The seconds of an outage are those from its beginning to its end; an open one has none.",
    ),
    no_rows(
        "one_open_outage_a_pipeline",
        "select workspace, pipeline, event_date from {batch} where recovered_at is null"
        " group by workspace, pipeline, event_date having count(*) > 1",
        "A pipeline has one outage at most that is open at the end of a day.",
    ),
)

METRICS = _gold(
    "gold_pipeline_metrics",
    unique_together("workspace_and_day_unique", ("workspace", "event_date")),
    between("run_count", 1, None),
    between("success_rate", 0, 1),
    between("median_duration_seconds", 0, None),
    at_least("p95_not_below_median", "p95_duration_seconds", "median_duration_seconds"),
    between("rows_processed", 0, None),
    none_where(
        "successes_and_failures_within_runs",
        "least(success_count, failure_count) < 0 or success_count + failure_count > run_count",
        "Runs that succeeded or failed are runs.",
    ),
    none_where(
        "rate_is_of_the_counts",
        f"abs(success_rate * (success_count + failure_count) - success_count) > {_EPSILON}"
        " or (success_rate is null) <> (success_count + failure_count = 0)",
        "The rate is that of the counts; where nothing succeeded or failed, there is none.",
    ),
    none_where(
        "kinds_add_up_to_the_failures",
        "failure_count <> coalesce(list_sum(cast(map_values(cast(cast(failures_by_kind as json)"
        " as map(varchar, bigint))) as bigint[])), 0)",
        "The failures by kind are those of the day together.",
    ),
    no_rows(
        "recoveries_are_those_of_the_outages",
        "select days.workspace, days.event_date from {batch} as days left join (select workspace, event_date,"
        f" count(recovered_at) as ended, avg(recovery_seconds) as seconds from {SCHEMA}.gold_pipeline_outages"
        " group by workspace, event_date) as outages using (workspace, event_date)"
        " where recovery_count <> coalesce(ended, 0)"
        " or (mean_time_to_recovery_seconds is null) <> (seconds is null)"
        f" or abs(mean_time_to_recovery_seconds - seconds) > {_EPSILON} * greatest(seconds, 1)",
        "Recoveries of the day are the outages that ended on it.",
    ),
)

PROFILES = _gold(
    "gold_user_profiles",
    unique("user_name"),
    between("completeness", 0, 1),
    between("engagement_score", 0, 100),
    between("influence_score", 0, 100),
    between("crawl_count", 1, None),
    at_least("last_crawl_not_before_the_first", "last_crawled_at", "first_crawled_at"),
    none_where(
        "influence_where_there_are_followers",
        "(influence_score is null) <> (followers is null)",
        "A profile has an influence score where its followers are known.",
    ),
    none_where(
        "crawled_before_where_crawled_twice",
        "(previous_crawled_at is null) <> (crawl_count = 1) or previous_crawled_at >= last_crawled_at",
        "A user who was crawled on two days or more has a crawl before, which is earlier.",
    ),
    no_rows(
        "latest_crawl",
        "select profiles.user_name from {batch} as profiles left join (select user_name, max(crawled_at) as crawled_at"
        f" from {SCHEMA}.silver_crawler_results group by user_name) as crawls using (user_name)"
        " where last_crawled_at is distinct from crawled_at",
        "A profile is that of the latest crawl of its user.",
    ),
)

SUITES = (OUTAGES, METRICS, PROFILES)
