"""The TLC, Citi Bike and Open-Meteo: what is served, under which names, and how it can break."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from ingestion.partitions import Partition
from sandbox.broken_parquet import PARQUET
from sandbox.broken_zips import ZIP_OF_CSVS
from sandbox.faults import TABLE_FAULTS, Fault
from sandbox.mobility.archive_api import archive_answer, day_asked
from sandbox.mobility.broken_weather import broken_answer
from sandbox.mobility.citibike import write_citibike_file, write_csvs
from sandbox.mobility.citibike_archive import archive_name, is_archived, write_archive_file
from sandbox.mobility.sizes import key_of_month, rows_of_month
from sandbox.mobility.taxi_zones import SHAPE_FILE, write_zones_file, zone_count
from sandbox.mobility.tlc import write_tlc_file
from sandbox.stand_ins import ApiStandIn, FileStandIn, Query, StandIn

_CITIBIKE_PLAIN_ZIP_FROM = date(2024, 5, 1)
# As published.
_NAMES_WITH_A_SLIP = {
    ("citibike_jc", date(2017, 8, 1)): "JC-201708 citibike-tripdata.csv.zip",
    ("citibike_jc", date(2022, 7, 1)): "JC-202207-citbike-tripdata.csv.zip",
}


def _feed_and_month(partition: Partition) -> tuple[str, date]:
    return partition.feed.name, partition.period.first_day


class Tlc(FileStandIn):
    """The TLC's Parquet files. They are behind a network that lists nothing."""

    name = "tlc"
    path = "trip-data"
    feeds = ("yellow", "green", "fhv", "hvfhv")
    file_format = PARQUET

    def row_count(self, partition: Partition, *, rows: int, revision: int = 0) -> int:
        return rows_of_month(*_feed_and_month(partition), rows=rows, revision=revision)

    def write(self, partition: Partition, path: Path, *, rows: int, revision: int) -> None:
        count = self.row_count(partition, rows=rows, revision=revision)
        feed, month = _feed_and_month(partition)
        write_tlc_file(feed, month, path, rows=count, key=key_of_month(feed, month, revision))


class TlcReference(FileStandIn):
    """The TLC's files that are of no month, in a folder beside its trip data."""

    name = "tlc"
    path = "misc"
    feeds = ("taxi_zones",)
    file_format = SHAPE_FILE
    has_setting = False

    def row_count(self, partition: Partition, *, rows: int, revision: int = 0) -> int:
        """The number of shapes, whatever the size asked for."""
        return zone_count(revision)

    def write(self, partition: Partition, path: Path, *, rows: int, revision: int) -> None:
        write_zones_file(path, revision=revision)


class CitiBike(FileStandIn):
    """Citi Bike's zips: a month each, or in New York until 2023 a year."""

    name = "citibike"
    path = "tripdata"
    feeds = ("citibike", "citibike_jc")
    file_format = ZIP_OF_CSVS
    has_listing = True

    def file_name(self, partition: Partition) -> str:
        feed, month = _feed_and_month(partition)
        if (feed, month) in _NAMES_WITH_A_SLIP:
            return _NAMES_WITH_A_SLIP[feed, month]
        is_older = feed == "citibike" and month < _CITIBIKE_PLAIN_ZIP_FROM
        return partition.feed.file_names[1 if is_older else 0].format(period=partition.period.start)

    def published_name(self, partition: Partition) -> str:
        feed, month = _feed_and_month(partition)
        return archive_name(month.year) if is_archived(feed, month) else self.file_name(partition)

    def row_count(self, partition: Partition, *, rows: int, revision: int = 0) -> int:
        return rows_of_month(*_feed_and_month(partition), rows=rows, revision=revision)

    def write(self, partition: Partition, path: Path, *, rows: int, revision: int) -> None:
        count = self.row_count(partition, rows=rows, revision=revision)
        feed, month = _feed_and_month(partition)
        key, ride_key = key_of_month(feed, month, revision), key_of_month(feed, month, 0)
        write_citibike_file(feed, month, path, rows=count, key=key, ride_key=ride_key)

    def write_archive(self, partitions: Sequence[Partition], path: Path, *, rows: int, revision: int) -> None:
        feed, _ = _feed_and_month(partitions[0])

        def csvs(month: date, folder: Path, *, in_one: bool, has_quotes: bool) -> Iterator[Path]:
            count = rows_of_month(feed, month, rows=rows, revision=revision)
            return write_csvs(
                feed,
                month,
                folder,
                rows=count,
                key=key_of_month(feed, month, revision),
                ride_key=key_of_month(feed, month, 0),
                rows_per_csv=count if in_one else None,
                has_quotes=has_quotes,
            )

        write_archive_file([partition.period.first_day for partition in partitions], path, csvs)


class WeatherArchive(ApiStandIn):
    """Open-Meteo's archive of hourly weather."""

    name = "weather"
    path = "v1/archive"
    feeds = ("weather",)

    @property
    def faults(self) -> frozenset[Fault]:
        return TABLE_FAULTS | {
            Fault.ERROR_STATUS,
            Fault.ERROR_BODY,
            Fault.MISSING_HOURS,
            Fault.NULL_HOURS,
            Fault.WRONG_UNITS,
        }

    def day_asked(self, query: Query) -> date | None:
        return day_asked(query)

    def answer(self, query: Query, available_until: date) -> tuple[int, bytes]:
        return archive_answer(query, available_until)

    def broken_answer(self, status: int, body: bytes, fault: Fault) -> tuple[int, bytes]:
        return broken_answer(status, body, fault)


STAND_INS: tuple[StandIn, ...] = (Tlc(), CitiBike(), WeatherArchive(), TlcReference())
