"""Which tables the pages of telemetry read, how to load them, and how statuses and durations are written."""

from datetime import timedelta
from html import escape

from portal.texts import NO_VALUE

EVENTS = "core_telemetry.silver_pipeline_events"
METRICS = "core_telemetry.gold_pipeline_metrics"
OUTAGES = "core_telemetry.gold_pipeline_outages"
CRAWLS = "core_telemetry.silver_crawler_results"
PROFILES = "core_telemetry.gold_user_profiles"

LOAD = "nyc load --from 2026-11-01 --to 2026-11-30 --sources telemetry"

# The platform's own runs.
PLATFORM = "platform"

STATUSES = {"success": "Succeeded", "failed": "Failed", "canceled": "Canceled", "skipped": "Skipped"}
STATES = {"whole": "Whole", "incomplete": "Incomplete", "broken": "Broken"}
# Each stands out by 3 to 1 from white and from black, and they are told apart by the colour-blind.
COLOURS = {
    "Succeeded": "#2f86b3",
    "Failed": "#c2584c",
    "Canceled": "#bf8a00",
    "Skipped": "#8593a0",
    "Whole": "#2f86b3",
    "Incomplete": "#bf8a00",
    "Broken": "#c2584c",
}

# Names in files are of any length. An axis has room for so much.
_LONGEST_NAME = 32
_MINUTE = 60


def cut(name: str) -> str:
    """A name from a file, as long as a line has room for."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def in_chart(name: str) -> str:
    """A name from a file as a chart shows it: cut, and nothing in it is markup."""
    return escape(cut(name))


def duration(seconds: float | None) -> str:
    """A duration: `0.42 s` below a minute, else hours, minutes and seconds: `0:02:05`, `1 day, 3:00:00`."""
    if seconds is None:
        return NO_VALUE
    return f"{seconds:,.3g} s" if seconds < _MINUTE else str(timedelta(seconds=round(seconds)))
