"""The platform's own runs, from the ledger, as events of the workspace `platform`.

A run is an event when it has ended, and belongs to the hour in which it ended (UTC).
"""

from datetime import date

from ingestion.calendars import IRREGULAR_PERIODS
from ingestion.feeds import Feed
from ingestion.fetch.keys import KeyNames
from ingestion.fetch.s3_publisher import S3Publisher
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.telemetry.event_files import EVENT_COLUMNS
from warehouse.periods import Grain


class PlatformRuns(S3Publisher):
    """The ledger, as a publisher."""

    name = "platform_runs"
    bucket = "unused"
    default_endpoint_url = "http://localhost:9000"
    key_names = KeyNames("UNUSED_ACCESS_KEY", "UNUSED_SECRET_KEY")
    read = JsonLinesReader()


FEEDS = (
    Feed(
        name="platform_runs",
        publisher=PlatformRuns(),
        raw_table="pipeline_events",
        file_names=(),
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
    ),
)
