"""Good files of known rows: what is published, and beside it what raw data must then hold.

Neither is made by the readers, nor from each other: both come from the same values.
"""

import csv
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.catalog import FEEDS
from ingestion.feeds import Column, ColumnType
from ingestion.partitions import Partition
from sandbox.mobility.citibike_before_2021 import is_old_format, old_header
from sandbox.mobility.tlc_schemas import tlc_format
from sandbox.mobility.weather import VARIABLES
from tests.fuzz.cases import Columns, Value

# Station ids that are no numbers, though they look like some, and names that need quotes.
_STATIONS = [
    ("6498.10", "Broadway & W 25 St"), ("6498.1", 'Plaza "Five", upper'), ("JC005", "Grove St PATH"),
    ("SYS035", "Añejo \u2013 東"), ("6569.09_", "O'Hare; the 2nd"), ("0072", "  Two blanks"),
]  # fmt: skip


@dataclass(frozen=True)
class TlcFile:
    """A month of taxis: the table as published."""

    partition: Partition
    table: pa.Table
    rows: Columns

    @property
    def body(self) -> bytes:
        return parquet_bytes(
            self.table, compression=tlc_format(self.partition.feed.name, self.partition.period.first_day).codec
        )


@dataclass(frozen=True)
class BikeFile:
    """A month of bikes: header and lines of the CSV as published."""

    partition: Partition
    header: list[str]
    lines: list[list[str]]
    rows: Columns

    @property
    def body(self) -> bytes:
        return zip_bytes([(self.csv_name(), csv_bytes([self.header, *self.lines]))])

    def csv_name(self, part: str = "") -> str:
        prefix = "JC-" if self.partition.feed.name == "citibike_jc" else ""
        return f"{prefix}{self.partition.period.first_day:%Y%m}-citibike-tripdata{part}.csv"


@dataclass(frozen=True)
class WeatherAnswer:
    """A month of weather: the JSON as answered."""

    partition: Partition
    answer: dict[str, Any]
    rows: Columns

    @property
    def body(self) -> bytes:
        return json.dumps(self.answer, ensure_ascii=False).encode()


GoodFile = TlcFile | BikeFile | WeatherAnswer


def of_size(file: GoodFile, least: int) -> tuple[bytes, Columns]:
    """The file with so many bytes or more, for what is done to bodies that come in several pieces; and its rows."""
    if isinstance(file, WeatherAnswer):
        return file.body + b" " * max(0, least - len(file.body)), file.rows
    times = -(-least // (file.table.nbytes if isinstance(file, TlcFile) else len(csv_bytes(file.lines)) // 3))
    rows = {name: values * times for name, values in file.rows.items()}
    if isinstance(file, TlcFile):
        many = pa.concat_tables([file.table] * times)
        return parquet_bytes(many, compression="none", use_dictionary=False), rows
    body = csv_bytes([file.header, *(file.lines * times)])
    return zip_bytes([(file.csv_name(), body)], zipfile.ZIP_STORED), rows


def good_file(partition: Partition, rng: Random) -> GoodFile:
    """A good file of the partition; other random numbers give other rows."""
    match partition.feed.publisher.name:
        case "tlc":
            return _tlc_file(partition, rng)
        case "citibike":
            return _bike_file(partition, rng)
        case _:
            return _weather_answer(partition, rng)


def parquet_bytes(table: pa.Table, **options: Any) -> bytes:
    """The table as Parquet."""
    written = io.BytesIO()
    pq.write_table(table, written, **options)
    return written.getvalue()


def csv_bytes(
    lines: list[list[str]], *, end: str = "\r\n", quoting: int = csv.QUOTE_MINIMAL, comma: str = ","
) -> bytes:
    """The lines as CSV in UTF-8."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator=end, quoting=quoting, delimiter=comma)  # type: ignore[arg-type]
    writer.writerows(lines)
    return written.getvalue().encode()


def zip_bytes(entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these entries, in their order."""
    written = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(written, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return written.getvalue()


def declared_column(partition: Partition, published: str) -> Column | None:
    """The raw column of a published one, if the registry has one."""
    former = partition.feed.former_schema
    names = {_letters(column.name): column.name for column in partition.feed.columns}
    if former and partition.period.first_day < former.until:
        names |= {_letters(name): raw for name, raw in former.raw_names}
    columns = {column.name: column for column in partition.feed.columns}
    return columns.get(names.get(_letters(published), ""))


def _letters(name: str) -> str:
    return name.replace("_", "").replace(" ", "").lower()


def _moment(partition: Partition, rng: Random) -> datetime:
    seconds = rng.randrange(len(list(partition.period.days())) * 86_400)
    return datetime(partition.period.first_day.year, partition.period.first_day.month, 1) + timedelta(seconds=seconds)


def _tlc_file(partition: Partition, rng: Random) -> TlcFile:
    count = rng.randint(50, 120)
    schema = tlc_format(partition.feed.name, partition.period.first_day).schema
    rows: Columns = {column.name: [None] * count for column in partition.feed.columns}
    arrays = []
    for field in schema:
        column = declared_column(partition, field.name)
        values = [_tlc_value(partition, field.type, column, rng) for _ in range(count)]
        arrays.append(pa.array([_as_published(value, field.type) for value in values], field.type))
        if column:
            rows[column.name] = values
    return TlcFile(partition, pa.Table.from_arrays(arrays, schema=schema), rows)


def _tlc_value(partition: Partition, published: pa.DataType, column: Column | None, rng: Random) -> Value:
    if pa.types.is_null(published):
        return None
    type_ = column.type if column else ColumnType.VARCHAR if published == pa.string() else ColumnType.DOUBLE
    if type_ is ColumnType.TIMESTAMP:
        return _moment(partition, rng)
    if rng.random() < 0.1:
        return None
    if type_ is ColumnType.INTEGER:
        return rng.randint(1, 265)
    if type_ is ColumnType.DOUBLE:
        return round(rng.uniform(-10, 90), 2)
    # 2009 has the flag as a number.
    return rng.choice(["0.0", "1.0"]) if published == pa.float64() else rng.choice(["Y", "N", "B00012", "ü ,\"'"])


def _as_published(value: Value, published: pa.DataType) -> Value:
    if value is None:
        return None
    if pa.types.is_floating(published):
        return float(value)  # type: ignore[arg-type]
    return str(value) if published in (pa.string(), pa.large_string()) else value


def _bike_file(partition: Partition, rng: Random) -> BikeFile:
    count = rng.randint(50, 120)
    columns = partition.feed.columns
    rows: Columns = {column.name: [] for column in columns}
    for _ in range(count):
        (start_id, start_name), (end_id, end_name) = rng.choice(_STATIONS), rng.choice([*_STATIONS, ("", "")])
        started = _moment(partition, rng)
        trip: dict[str, Value] = {
            "ride_id": f"{rng.getrandbits(64):016X}",
            "rideable_type": rng.choice(["electric_bike", "classic_bike"]),
            "started_at": started,
            "ended_at": started + timedelta(minutes=rng.randint(1, 90)),
            "start_station_name": start_name,
            "start_station_id": start_id,
            "end_station_name": end_name or None,
            "end_station_id": end_id or None,
            "start_lat": round(rng.uniform(40, 41), 6),
            "start_lng": round(rng.uniform(-74, -73), 6),
            "end_lat": round(rng.uniform(40, 41), 6) if end_id else None,
            "end_lng": round(rng.uniform(-74, -73), 6) if end_id else None,
            "member_casual": rng.choice(["member", "casual"]),
        }
        for name, value in trip.items():
            rows[name].append(value)
    if not is_old_format(partition.feed.name, partition.period.first_day):
        header = [column.name for column in columns]
        written = [[_bike_text(value, _iso_time) for value in rows[name]] for name in header]
    else:
        header, written = _old_columns(partition, rows, rng)
    return BikeFile(partition, header, [list(line) for line in zip(*written, strict=True)], rows)


def _bike_text(value: Value, written_time: Callable[[datetime], str]) -> str:
    if value is None:
        return ""
    return written_time(value) if isinstance(value, datetime) else str(value)


def _iso_time(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _american_time(value: datetime) -> str:
    return f"{value.month}/{value.day}/{value.year} {value:%H:%M:%S}"


def _old_columns(partition: Partition, rows: Columns, rng: Random) -> tuple[list[str], list[list[str]]]:
    """A file of before 2021; it has no ride ids, so raw data has none either."""
    rows["ride_id"] = rows["rideable_type"] = [None] * len(rows["ride_id"])
    header = list(old_header(partition.period.first_day))
    written_time = _american_time if partition.period.first_day.year in (2014, 2015, 2016) else _iso_time
    written = []
    for name in header:
        column = declared_column(partition, name)
        if column:
            written.append([_bike_text(value, written_time) for value in rows[column.name]])
        else:
            written.append([str(rng.randint(1, 3000)) for _ in rows["ride_id"]])
    return header, written


def _weather_answer(partition: Partition, rng: Random) -> WeatherAnswer:
    first = datetime(partition.period.first_day.year, partition.period.first_day.month, 1)
    hours = [first + timedelta(hours=hour) for hour in range(24 * (len(list(partition.period.days())) + 1))]
    rows: Columns = {"time": list(hours)}
    for column in partition.feed.columns[1:]:
        is_code = column.type is ColumnType.INTEGER
        rows[column.name] = [rng.choice([0, 3, 61]) if is_code else round(rng.uniform(0, 99), 1) for _ in hours]
    units = {name: unit.replace("km/h", "m/s") for name, unit in VARIABLES.items() if name in rows}
    answer = {
        "latitude": 40.77329,
        "longitude": -73.9737,
        "generationtime_ms": rng.random(),
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 32.0,
        "hourly_units": {"time": "iso8601"} | units,
        "hourly": rows | {"time": [hour.strftime("%Y-%m-%dT%H:%M") for hour in hours]},
    }
    return WeatherAnswer(partition, answer, rows)


def partition_of(feed: str, year: int, month: int) -> Partition:
    """The feed's partition of that month."""
    return Partition(FEEDS[feed], FEEDS[feed].period_of(date(year, month, 1)))
