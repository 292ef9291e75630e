"""Events of pipelines by the hour of their files, and what silver makes of them."""

from quality.files import between, figure, in_set, not_null, share
from quality.rejected import quarantine_suite
from quality.subject import Explanation, Quarantine
from quality.suites.telemetry.files import MOSTLY, SCHEMA, bronze, silver, staged
from warehouse.periods import Grain

_FEEDS = ("pipeline_events", "platform_runs")

STAGED = staged(
    "stg_event_files__pipeline_events",
    Grain.HOUR,
    _FEEDS,
    not_null("event_id", MOSTLY),
    not_null("workspace", MOSTLY),
    not_null("pipeline", MOSTLY),
    not_null("status", MOSTLY),
    not_null("started_at", MOSTLY),
    share(
        "ends_can_be_read",
        "finished_at is not null",
        of="has_end",
        mostly=MOSTLY,
        why="Times are written as ISO 8601.",
    ),
    share(
        "start_before_end",
        "started_at <= finished_at",
        of="started_at is not null and finished_at is not null",
        mostly=MOSTLY,
        why="Runs start before they end.",
    ),
)

BRONZE = bronze("bronze_pipeline_events", Grain.HOUR, _FEEDS)

SILVER = silver(
    "silver_pipeline_events",
    Grain.HOUR,
    _FEEDS,
    figure("event_id_unique", "count(*) - count(distinct event_id)", high=0, why="Events that an hour has twice."),
    in_set("status", ("queued", "running", "success", "failed", "canceled", "skipped")),
    between("quality_score", 0, 100),
    share("duration_not_negative", "duration_seconds >= 0", of="finished_at is not null", mostly=1, why="Time passes."),
    share("rows_not_negative", "row_count >= 0", of="row_count is not null", mostly=1, why="Rows are counted."),
    share(
        "failures_have_a_kind",
        "(error_kind is not null) = (status = 'failed')",
        mostly=1,
        why="Every failure is of a kind, and nothing else is.",
    ),
    share(
        "late_where_filed_late",
        "is_late = (source_hour > date_trunc('hour', event_time) + interval 1 hour)",
        mostly=1,
        why="An event is late that is filed after the hour that follows its own.",
    ),
    share(
        "day_is_that_of_the_event",
        "event_date = event_time::date and event_time = coalesce(finished_at, started_at)",
        mostly=1,
        why="An event belongs to the day (UTC) on which its run ended, or started where it has not.",
    ),
)

# That an event is said again is no fault.
QUARANTINE = Quarantine(
    f"{SCHEMA}.quarantined_events",
    Grain.HOUR,
    shown={"event": "identifier", "event (UTC)": "event_time", "file": "file_name", "line": "line_number"},
    tolerance=1 - MOSTLY,
    explanations=tuple(Explanation(feed, "superseded", "a later event has the same id") for feed in _FEEDS),
)

SUITES = (STAGED, BRONZE, SILVER, quarantine_suite(QUARANTINE, _FEEDS, warns_of_explained=False))
