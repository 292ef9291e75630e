"""Ways to break the sample of telemetry: the second hour of events, and the first day of profiles."""

from tests.quality.faults import telemetry_gold

_OF_THE_HOUR = "feed = 'pipeline_events' and source_hour = timestamp '2026-03-06T23:00'"
_OF_THE_DAY = "source_date = date '2026-03-06'"
_BRONZE = "core_telemetry.bronze"
_RAW_EVENTS, _RAW_PROFILES = "raw_data.pipeline_events", "raw_data.crawler_results"


def _events(table: str, change: str, where: str = "true") -> str:
    return f"update {table} set {change} where {_OF_THE_HOUR} and {where}"


def _profiles(table: str, change: str, where: str = "true") -> str:
    return f"update {table} set {change} where {_OF_THE_DAY} and {where}"


def _silver_events(change: str, where: str = "true") -> str:
    return _events("core_telemetry.silver_pipeline_events", change, where)


def _silver_profiles(change: str) -> str:
    return _profiles("core_telemetry.silver_crawler_results", change)


_OF_EVENTS = {
    "stg_event_files__pipeline_events": {
        "source_row_unique": f"insert into {_RAW_EVENTS} from {_RAW_EVENTS} where {_OF_THE_HOUR}",
        "lines_can_be_read": _events(_RAW_EVENTS, "problem = 'not_json'"),
        **{f"{name}_not_null": _events(_RAW_EVENTS, f"{name} = ' '") for name in ("event_id", "workspace", "pipeline")},
        "status_not_null": _events(_RAW_EVENTS, "status = 'lost'"),
        "started_at_not_null": _events(_RAW_EVENTS, "started_at = '1772787540'"),
        "ends_can_be_read": _events(_RAW_EVENTS, "finished_at = 'infinity'", "finished_at is not null"),
        "start_before_end": _events(_RAW_EVENTS, "finished_at = '2020-01-01'", "finished_at is not null"),
    },
    "bronze_pipeline_events": {
        "source_row_unique": _events("core_telemetry.bronze_pipeline_events", "source_row = 0"),
        "all_lines_are_there": f"delete from {_BRONZE}_pipeline_events where {_OF_THE_HOUR} and source_row > 9",
    },
    "silver_pipeline_events": {
        "event_id_unique": _silver_events("event_id = 'one'"),
        "status_known": _silver_events("status = 'lost'"),
        "quality_score_in_range": _silver_events("quality_score = 101"),
        "duration_not_negative": _silver_events("duration_seconds = -1", "finished_at is not null"),
        "rows_not_negative": _silver_events("row_count = -1"),
        "failures_have_a_kind": _silver_events("error_kind = null", "status = 'failed'"),
        "late_where_filed_late": _silver_events("is_late = not is_late"),
        "day_is_that_of_the_event": _silver_events("event_date = event_date + 1"),
    },
    "quarantined_events": {
        "quarantined_share": f"""
            insert into core_telemetry.quarantined_events by name
            select feed, source_hour, source_row, load_id, 'bad_time' as reason, event_time, file_name, line_number
            from core_telemetry.silver_pipeline_events where {_OF_THE_HOUR}
        """,
    },
}

_OF_PROFILES = {
    "stg_event_files__crawler_results": {
        "source_row_unique": f"insert into {_RAW_PROFILES} from {_RAW_PROFILES} where {_OF_THE_DAY}",
        "lines_can_be_read": _profiles(_RAW_PROFILES, "problem = 'not_utf8'"),
        "user_name_not_null": _profiles(_RAW_PROFILES, "user_name = null"),
        "crawled_at_not_null": _profiles(_RAW_PROFILES, "crawled_at = 'yesterday'"),
        **{
            f"{name}_not_null": _profiles(_RAW_PROFILES, f"{name} = '1,200'")
            for name in ("followers", "following", "posts")
        },
    },
    "bronze_crawler_results": {
        "source_row_unique": _profiles("core_telemetry.bronze_crawler_results", "source_row = 0"),
        "all_lines_are_there": f"delete from {_BRONZE}_crawler_results where {_OF_THE_DAY} and source_row > 9",
    },
    "silver_crawler_results": {
        "user_and_day_unique": _silver_profiles("user_name = 'one'"),
        "completeness_in_range": _silver_profiles("completeness = 1.5"),
        "counts_not_negative": _silver_profiles("posts = -1"),
        "day_is_that_of_the_crawl": _silver_profiles("crawl_date = crawl_date + 1"),
    },
    "quarantined_profiles": {
        "quarantined_share": f"""
            insert into core_telemetry.quarantined_profiles by name
            select feed, source_date, source_row, load_id, 'bad_time' as reason, crawled_at as event_time, file_name,
                line_number
            from core_telemetry.silver_crawler_results where {_OF_THE_DAY}
        """,
    },
}

FAULTS: dict[str, dict[str, str]] = {**_OF_EVENTS, **_OF_PROFILES, **telemetry_gold.FAULTS}
