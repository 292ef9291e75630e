"""The TLC's taxi zones: a shape file with the polygons of the zones, in a zip beside the trip data.

It is a reference file: of no month, and replaced now and then. Some zones come as several shapes, and some islands and
a part of Corona have none.

Source: TLC trip record data, https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from datetime import date, datetime
from pathlib import Path
from urllib.parse import urljoin

import duckdb

from ingestion.calendars import OnePeriod
from ingestion.feeds import Feed, columns
from ingestion.mobility.tlc import Tlc
from ingestion.partitions import Partition
from ingestion.readers.published import PublishedRows
from warehouse.periods import Grain, Period

# With the first month of the TLC's trips, which no other feed of the subject is earlier than.
_FILED_UNDER = Period(Grain.MONTH, datetime(2009, 1, 1))  # noqa: DTZ001 - a month has no zone


class TlcReference(Tlc):
    """The TLC's files that are of no month. They are in a folder beside that of its trip data."""

    # The file has 1 MB.
    largest_bytes = 50_000_000

    def base_address(self) -> str:
        """The folder `misc` beside the trip data, wherever that is."""
        return urljoin(f"{super().base_address()}/", "../misc")

    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The shapes of the file in its order, simplified, each as GeoJSON.

        Raises:
            UnreadableFileError: the file is not a whole zip with a shape file of polygons in New York.
        """
        # Imported here because shapely and pyproj take 0.2 s to import.
        from ingestion.mobility.zone_shapes import read_zone_shapes

        return read_zone_shapes(partition, path, connection)


FEEDS = (
    Feed(
        name="taxi_zones",
        publisher=TlcReference(),
        raw_table="taxi_zone_shapes",
        file_names=("taxi_zones.zip",),
        # The geometry is made of the shape; the others are as published.
        columns=columns(
            required="location_id:i zone:s borough:s geometry:s",
            optional="objectid:i shape_leng:d shape_area:d",
        ),
        event_time=None,
        first_day=date(2009, 1, 1),
        publication_lag_days=0,
        # Not loaded unless it is named: a mirror of the trip data alone does not have it, and each load would say so.
        # Once it is loaded, the gap planner and the publication sensor watch it like every loaded feed.
        is_default=False,
        kind="zone_shape",
        staging_model="stg_tlc__taxi_zones",
        kept_in="int_zone_shapes",
        calendar=OnePeriod(_FILED_UNDER),
    ),
)
