"""Reference files: which symbols, exchanges, traders and accounts there are, in a bucket of our own.

Each file is the whole truth as of its date. They come when something changes, on no fixed days.
"""

from datetime import date

from ingestion.calendars import IRREGULAR_PERIODS
from ingestion.feeds import Column, Feed, columns
from ingestion.fetch.keys import KeyNames
from ingestion.fetch.s3_publisher import S3Publisher
from ingestion.readers.csv_files import CsvReader
from warehouse.periods import Grain


class ReferenceData(S3Publisher):
    """The bucket of reference files. By default it is a store on this machine."""

    name = "reference_data"
    bucket = "reference-data"
    default_endpoint_url = "http://localhost:9000"
    key_names = KeyNames("REFERENCE_DATA_ACCESS_KEY", "REFERENCE_DATA_SECRET_KEY")
    largest_bytes = 1_000_000_000
    read = CsvReader()


_REFERENCE_DATA = ReferenceData()


def _feed(name: str, kind: str, listed: tuple[Column, ...], kept_in: str) -> Feed:
    return Feed(
        name=name,
        publisher=_REFERENCE_DATA,
        raw_table=name,
        file_names=(f"incoming/{name}_{{period:%Y-%m-%d}}.csv",),
        columns=listed,
        event_time=None,
        first_day=date(2003, 9, 10),
        publication_lag_days=0,
        is_default=False,
        kind=kind,
        staging_model=f"stg_reference_data__{name}",
        kept_in=kept_in,
        quarantined_in="quarantined_reference_rows",
        grain=Grain.DAY,
        calendar=IRREGULAR_PERIODS,
    )


FEEDS = (
    _feed(
        "symbols",
        "symbol",
        columns(required="symbol:s", optional="company_name:s sector:s market_cap_bucket:s exchange_code:s"),
        kept_in="int_symbols",
    ),
    _feed(
        "exchanges",
        "exchange",
        columns(required="exchange_code:s", optional="name:s timezone:s opens_at:s closes_at:s"),
        kept_in="int_exchanges",
    ),
    _feed(
        "traders",
        "trader",
        columns(required="trader_id:s", optional="name:s firm:s desk:s risk_tier:s"),
        kept_in="int_traders",
    ),
    _feed(
        "accounts",
        "account",
        columns(required="account_id:s", optional="trader_id:s account_type:s status:s created_on:date"),
        kept_in="int_accounts",
    ),
)
