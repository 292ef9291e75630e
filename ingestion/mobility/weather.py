"""Open-Meteo's archive: hourly weather as JSON, one answer for each month.

Source: Open-Meteo historical weather API, https://open-meteo.com/en/docs/historical-weather-api
"""

from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import pyarrow as pa

from ingestion.feeds import Feed, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.mobility.weather_answer import Asked, content_hash, read_answer
from ingestion.partitions import Partition
from ingestion.raw_data import raw_column_types
from ingestion.readers.columns import select_columns
from ingestion.readers.published import SCRATCH, PublishedRows, notes_on, open_scratch
from ingestion.readers.published_file import PublishedFile

# Central Park, where the National Weather Service measures New York's weather.
LATITUDE = 40.7789
LONGITUDE = -73.9692

_UNITS = {
    "time": "iso8601",
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "dew_point_2m": "°C",
    "apparent_temperature": "°C",
    "precipitation": "mm",
    "rain": "mm",
    "snowfall": "cm",
    "weather_code": "wmo code",
    "surface_pressure": "hPa",
    "cloud_cover": "%",
    "wind_speed_10m": "m/s",
    "wind_direction_10m": "°",
    "wind_gusts_10m": "m/s",
}


def _read(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    file = PublishedFile(partition, path, called=str(partition))  # an answer to a query has no name of its own
    first = partition.period.start
    hours = 24 * (len(list(partition.period.days())) + 1)
    asked = Asked(
        file=file,
        columns=partition.feed.columns,
        units=_UNITS,
        hours=[first + timedelta(hours=hour) for hour in range(hours)],
        latitude=LATITUDE,
        longitude=LONGITUDE,
    )
    answered = read_answer(asked)
    open_scratch(connection, path, path.stat().st_size)
    types = {name: _sql_type(answered.schema.field(name).type) for name in answered.column_names}
    existing = raw_column_types(partition.feed, connection)
    selection = select_columns(file, types, existing, by_position=True)
    # Under names of our own: a variable called rowid would hide the position of the rows.
    connection.register("answered_hours", answered.rename_columns(list(selection.aliases)))
    connection.execute(f"create table {SCRATCH}.rows as from answered_hours")
    connection.unregister("answered_hours")
    return PublishedRows(
        file,
        query=f"select {selection.select_list}, rowid as source_row from {SCRATCH}.rows",
        columns=selection.columns,
        count=answered.num_rows,
        notes=notes_on(selection, f"{SCRATCH}.rows", connection),
    )


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_):
        return "BIGINT"
    if pa.types.is_floating(type_):
        return "DOUBLE"
    return "TIMESTAMP" if pa.types.is_timestamp(type_) else "VARCHAR"


class OpenMeteo(HttpPublisher):
    """Open-Meteo's archive. It answers a query with the data, and cannot be asked whether there is any."""

    name = "weather"
    default_base_url = "https://archive-api.open-meteo.com/v1/archive"
    can_be_asked = False
    # A month has 150 kB.
    largest_bytes = 10_000_000

    def locate(self, partition: Partition) -> list[str]:
        """The address that answers a month's hours.

        Times are asked for in UTC: local ones have one fixed offset in each answer, and are wrong on one side of a
        clock change. New York is behind UTC, so that the last hours of its month are in the next month in UTC. One
        day more than the month covers them.
        """
        feed, period = partition.feed, partition.period
        base = self.base_address()
        query = {
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "start_date": period.first_day.isoformat(),
            "end_date": (period.last_day + timedelta(days=1)).isoformat(),
            "hourly": ",".join(column.name for column in feed.columns if column.name != feed.event_time),
            "timezone": "GMT",
            "wind_speed_unit": "ms",
        }
        # A customer's base address has a key in its query.
        return [f"{base}{'&' if '?' in base else '?'}{urlencode(query, safe=',')}"]

    def is_not_published(self, status: int, text: str) -> bool:
        """The archive calls days that it does not have yet a bad request."""
        return super().is_not_published(status, text) or (status == 400 and "out of allowed range" in text)

    def pause_seconds(self, text: str) -> float:
        """The archive limits requests by the minute, the hour and the day, and says which limit was reached."""
        waits = {"Minutely": 61, "Hourly": 3600, "Daily": 24 * 3600}
        return next((wait for limit, wait in waits.items() if f"{limit} API request limit exceeded" in text), 0)

    def content_hash(self, path: Path) -> str:
        """An answer says how long it took to make. That is not its content."""
        return content_hash(path)

    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The hours of an answer, with the names and types that the feed declares.

        Raises:
            UnreadableFileError: the answer is not of the month, place, zone or units asked for, or lacks a variable
                or hours, or has a value of another type.
        """
        return _read(partition, path, connection)


OPEN_METEO = OpenMeteo()

FEEDS = (
    Feed(
        name="weather",
        publisher=OPEN_METEO,
        raw_table="weather_hourly",
        file_names=("",),  # the address is the base address and a query
        columns=columns(
            required="time:t temperature_2m:d relative_humidity_2m:d dew_point_2m:d apparent_temperature:d"
            " precipitation:d rain:d snowfall:d weather_code:i surface_pressure:d cloud_cover:d"
            " wind_speed_10m:d wind_direction_10m:d wind_gusts_10m:d",
            optional="",
        ),
        event_time="time",
        first_day=date(2009, 1, 1),
        publication_lag_days=7,
        kind="weather_hour",
        staging_model="stg_weather__hourly",
        kept_in="dim_weather",
        quarantined_in="int_weather_rows_set_aside",
    ),
)
