"""Citi Bike: a zip for each month, with one or several CSVs.

Source: Citi Bike system data, https://citibikenyc.com/system-data
"""

from datetime import date
from pathlib import Path

import duckdb

from ingestion.feeds import Feed, FormerSchema, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.mobility.citibike_zips import extract_month
from ingestion.partitions import Partition
from ingestion.readers.csv_files import read_unpacked_csvs
from ingestion.readers.published import PublishedRows
from ingestion.readers.published_file import PublishedFile

# Empty, or what databases, R and pandas write for a missing value. No station, bike or rider type is called so.
_NULL_WORDS = ("", "NULL", "null", r"\N", "NA", "NaN", "nan")


class CitiBike(HttpPublisher):
    """Citi Bike, whose files are in an S3 bucket that anybody may list."""

    name = "citibike"
    default_base_url = "https://s3.amazonaws.com/tripdata"
    has_listing = True

    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The rows of all CSVs of a month, in published order.

        Raises:
            UnreadableFileError: the file is not a whole zip of CSVs, or a CSV cannot be read or lacks a required
                column.
        """
        file = PublishedFile(partition, path)
        return read_unpacked_csvs(file, extract_month(file), connection, _NULL_WORDS)


CITIBIKE = CitiBike()

_COLUMNS = columns(
    required="ride_id:s rideable_type:s started_at:t ended_at:t start_station_name:s start_station_id:s"
    " end_station_name:s end_station_id:s start_lat:d start_lng:d end_lat:d end_lng:d member_casual:s",
    optional="",
)

_UNTIL_2021_02 = FormerSchema(
    until=date(2021, 2, 1),
    raw_names=(
        ("starttime", "started_at"),
        ("start time", "started_at"),
        ("stoptime", "ended_at"),
        ("stop time", "ended_at"),
        ("start station id", "start_station_id"),
        ("start station name", "start_station_name"),
        ("start station latitude", "start_lat"),
        ("start station longitude", "start_lng"),
        ("end station id", "end_station_id"),
        ("end station name", "end_station_name"),
        ("end station latitude", "end_lat"),
        ("end station longitude", "end_lng"),
        ("usertype", "member_casual"),
        ("user type", "member_casual"),
    ),
)


FEEDS = (
    Feed(
        name="citibike",
        publisher=CITIBIKE,
        raw_table="citibike_trips",
        # Until 2023 also as archives of a year, with the months' zips in the zip.
        file_names=(
            "{period:%Y%m}-citibike-tripdata.zip",
            "{period:%Y%m}-citibike-tripdata.csv.zip",
            "{period:%Y}-citibike-tripdata.zip",
        ),
        columns=_COLUMNS,
        event_time="started_at",
        first_day=date(2013, 6, 1),
        publication_lag_days=14,
        former_schema=_UNTIL_2021_02,
        kind="trip",
        staging_model="stg_citibike__trips",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=5,
    ),
    Feed(
        name="citibike_jc",
        publisher=CITIBIKE,
        raw_table="citibike_trips",
        # Some names have a mistake: one lacks its second "i", one has a blank.
        file_names=(
            "JC-{period:%Y%m}-citibike-tripdata.csv.zip",
            "JC-{period:%Y%m}-citibike-tripdata.zip",
            "JC-{period:%Y%m}-citbike-tripdata.csv.zip",
            "JC-{period:%Y%m} citibike-tripdata.csv.zip",
        ),
        columns=_COLUMNS,
        event_time="started_at",
        first_day=date(2015, 9, 21),
        publication_lag_days=14,
        is_default=False,
        former_schema=_UNTIL_2021_02,
        kind="trip",
        staging_model="stg_citibike__trips",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=6,
    ),
)
