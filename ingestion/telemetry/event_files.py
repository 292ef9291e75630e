"""Files of JSON lines that others drop into a folder or a bucket: events of pipelines, and what crawlers found.

An hour or day is a folder with any number of files; they may come late, twice, broken, or while they are being written.
"""

from datetime import date

from ingestion.calendars import IRREGULAR_PERIODS
from ingestion.feeds import Column, Feed, columns
from ingestion.fetch.keys import KeyNames
from ingestion.fetch.many_files import ManyFilesPublisher
from ingestion.readers.json_lines import LINE_COLUMNS, JsonLinesReader
from warehouse.periods import Grain


class EventFiles(ManyFilesPublisher):
    """The folder or bucket of event files."""

    name = "event_files"
    default_url = "data/event_files"
    default_endpoint_url = "http://localhost:9000"
    key_names = KeyNames("EVENT_FILES_ACCESS_KEY", "EVENT_FILES_SECRET_KEY")
    largest_bytes = 1_000_000_000
    read = JsonLinesReader()


_EVENT_FILES = EventFiles()

# All texts, as the file has them: an event whose rows are "many" is still an event to look at.
EVENT_COLUMNS: tuple[Column, ...] = (
    *columns(
        required="",
        optional="event_id:s workspace:s pipeline:s run_id:s status:s started_at:s finished_at:s rows:s error:s "
        "payload:s",
    ),
    *LINE_COLUMNS,
)

PROFILE_COLUMNS: tuple[Column, ...] = (
    *columns(
        required="",
        optional="user_name:s display_name:s followers:s following:s posts:s verified:s created_at:s crawled_at:s "
        "raw_json:s",
    ),
    *LINE_COLUMNS,
)

PIPELINE_EVENTS = Feed(
    name="pipeline_events",
    publisher=_EVENT_FILES,
    raw_table="pipeline_events",
    file_names=("events/{period:%Y/%m/%d/%H}/*.jsonl",),
    columns=EVENT_COLUMNS,
    event_time=None,
    first_day=date(2015, 1, 1),
    publication_lag_days=0,
    is_default=False,
    kind="pipeline_event",
    staging_model="stg_event_files__pipeline_events",
    kept_in="silver_pipeline_events",
    quarantined_in="quarantined_events",
    grain=Grain.HOUR,
    calendar=IRREGULAR_PERIODS,
)

FEEDS = (
    PIPELINE_EVENTS,
    Feed(
        name="crawler_results",
        publisher=_EVENT_FILES,
        raw_table="crawler_results",
        file_names=("profiles/{period:%Y/%m/%d}/*.jsonl",),
        columns=PROFILE_COLUMNS,
        event_time=None,
        first_day=date(2015, 1, 1),
        publication_lag_days=0,
        is_default=False,
        kind="crawl",
        staging_model="stg_event_files__crawler_results",
        kept_in="silver_crawler_results",
        quarantined_in="quarantined_profiles",
        grain=Grain.DAY,
        calendar=IRREGULAR_PERIODS,
    ),
)
