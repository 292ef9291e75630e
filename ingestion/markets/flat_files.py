"""Massive's flat files: every minute of every share traded in the United States, a file a day, in a bucket.

A day's file comes at about 11:00 in New York on the following day. A key for a file that the subscription does not
cover gets 403, which the store also answers where an agreement is not signed.

Sources: Massive's flat files quickstart, https://massive.com/flat-files?tag=stocks; its article on S3,
https://massive.com/knowledge-base/article/how-to-get-started-with-s3
"""

from datetime import date

from ingestion.feeds import Feed, columns
from ingestion.fetch.keys import KeyNames
from ingestion.fetch.s3_publisher import S3Publisher
from ingestion.markets.trading_days import TRADING_DAYS
from ingestion.readers.csv_files import CsvReader
from warehouse.periods import Grain


class FlatFiles(S3Publisher):
    """Massive's bucket of flat files."""

    name = "flat_files"
    bucket = "flatfiles"
    default_endpoint_url = "https://files.massive.com"
    key_names = KeyNames("MASSIVE_ACCESS_KEY", "MASSIVE_SECRET_KEY")
    # A day has 20 to 30 MB.
    largest_bytes = 1_000_000_000
    read = CsvReader()


FEEDS = (
    Feed(
        name="minute_aggs",
        publisher=FlatFiles(),
        raw_table="minute_aggs",
        file_names=("us_stocks_sip/minute_aggs_v1/{period:%Y/%m/%Y-%m-%d}.csv.gz",),
        # Volume is fractional in files of 2026. The minute is in nanoseconds since 1970, UTC.
        columns=(
            *columns(required="ticker:s"),
            *columns(required="", optional="volume:d open:d close:d high:d low:d"),
            *columns(required="window_start:b"),
            *columns(required="", optional="transactions:b"),
        ),
        event_time=None,
        first_day=date(2003, 9, 10),
        publication_lag_days=2,
        is_default=False,
        kind="minute_bar",
        staging_model="stg_flat_files__minute_aggs",
        kept_in="silver_minute_aggs",
        quarantined_in="quarantined_minute_aggs",
        grain=Grain.DAY,
        calendar=TRADING_DAYS,
    ),
)
