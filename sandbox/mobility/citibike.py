"""Writes a month's zip of a Citi Bike feed: several CSVs, and the entries a Mac adds.

Up to 2024-05 times have seconds, and a file holds the trips that start in its month. From 2024-06 they have
milliseconds, and it holds the trips that end in its month: some start before.
Source: Citi Bike system data, https://citibikenyc.com/system-data
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import duckdb

from sandbox.distributions import choice, hashed, near, pick, quantiles, uniforms
from sandbox.mobility.citibike_before_2021 import is_old_format, old_header, old_trips, quoted_columns
from sandbox.mobility.months import next_month
from sandbox.mobility.stations import jersey_stations, new_york_stations, station_table
from sandbox.mobility.wall_clock import (
    clock_goes_back,
    end_on_the_wall,
    hour_weights,
    on_the_wall,
    start_seconds,
    wall_seconds,
)
from sandbox.placement import Quirk, placed_rows

MILLISECONDS_FROM = date(2024, 6, 1)

# The publisher's limit. Smaller months are cut in two, to have several CSVs as well.
MOST_ROWS_A_CSV = 1_000_000

_TEXT_COLUMNS = (
    "ride_id", "rideable_type", "started_at", "ended_at", "start_station_name", "start_station_id",
    "end_station_name", "end_station_id",
)  # fmt: skip
_COLUMNS = (*_TEXT_COLUMNS, "start_lat", "start_lng", "end_lat", "end_lng", "member_casual")

# What a Mac adds to a zip for each entry.
MAC_COMPANION = (
    b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \x00\x02\x00\x00\x00\x09\x00\x00\x002".ljust(120, b"\x00")
    + b"ATTR"
    + b"com.apple.quarantine".rjust(200, b"\x00").ljust(280, b"\x00")
)

_DRAWS = "day hour second millisecond end_millisecond clock minutes start end round_trip kind gps_lat gps_lng lost"
# The draw that makes the ride id.
_RIDE = 63
_HOURS = hour_weights("1.6 1.1 .7 .4 .3 .5 2.0 4.4 5.7 4.9 4.2 5.0 5.7 5.8 5.6 6.5 6.9 9.1 9.1 7.2 4.3 3.6 3.0 2.6")
_WEEKDAYS = (0.97, 1.05, 1.08, 1.06, 1.03, 0.95, 0.86)
_MINUTES = {0: 1, 0.05: 2.5, 0.25: 5.6, 0.5: 9.8, 0.75: 16.8, 0.951: 35, 0.985: 55, 0.9908: 65, 0.9995: 240, 1: 1400}
_KINDS = {
    "'electric_bike member'": 50.4,
    "'classic_bike member'": 28.4,
    "'electric_bike casual'": 15.1,
    "'classic_bike casual'": 6.0,
}
_QUIRKS = (
    Quirk("clock_change", 0, 2),
    Quirk("previous_month", 2e-6, 5),
    Quirk("longest", 5e-5, 1),
    Quirk("no_id", 1e-4, 2),
    Quirk("not_docked", 0.003, 4),
)


def write_citibike_file(
    feed: str, month: date, path: Path, *, rows: int, key: int, ride_key: int, rows_per_csv: int | None = None
) -> None:
    """Write a zip of exactly this many trips.

    `ride_key` makes the ride ids. It stays the same when the file is replaced, as the trips do.
    """
    with TemporaryDirectory() as folder, ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for csv in write_csvs(
            feed, month, Path(folder), rows=rows, key=key, ride_key=ride_key, rows_per_csv=rows_per_csv
        ):
            _add_csv(archive, csv)
            csv.unlink()


def write_csvs(
    feed: str,
    month: date,
    folder: Path,
    *,
    rows: int,
    key: int,
    ride_key: int,
    rows_per_csv: int | None = None,
    has_quotes: bool = True,
) -> Iterator[Path]:
    """Write the CSVs of a month's zip one after the other; without quotes, or quoted as usual in that month."""
    is_jersey = feed == "citibike_jc"
    per_csv = rows_per_csv or min(MOST_ROWS_A_CSV, rows if is_jersey else -(-rows // 2))
    stem = f"JC-{month:%Y%m}-citibike-tripdata" if is_jersey else f"{month:%Y%m}-citibike-tripdata"
    stations = jersey_stations() if is_jersey else new_york_stations()
    weights = {number: station.weight for number, station in enumerate(stations)}
    starts = range(0, rows, per_csv)
    with duckdb.connect() as connection:
        connection.register("stations", station_table(stations))
        # Keeps rows in the order of their number, on any number of threads: joins look up the small tables.
        connection.execute("set preserve_insertion_order = true")
        connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
        for number, start in enumerate(starts, 1):
            csv = folder / (f"{stem}.csv" if len(starts) == 1 else f"{stem}_{number}.csv")
            query = _trips(
                month, weights, key=key, ride_key=ride_key, rows=rows, start=start, stop=min(rows, start + per_csv)
            )
            _write_csv(connection, _layout(feed, month, query, has_quotes), csv)
            yield csv


@dataclass(frozen=True)
class _Layout:
    """How a month's trips are written: the query for its columns, their names, and which are in quotes."""

    query: str
    names: tuple[str, ...]
    quoted: tuple[str, ...]


def _layout(feed: str, month: date, query: str, has_quotes: bool) -> _Layout:
    if not is_old_format(feed, month):
        return _Layout(query, _COLUMNS, (*_TEXT_COLUMNS, "member_casual"))
    quoted = () if not has_quotes else quoted_columns(month)
    return _Layout(old_trips(month, query), old_header(month), quoted)


def _write_csv(connection: duckdb.DuckDBPyConnection, layout: _Layout, csv: Path) -> None:
    quoted_header = ",".join(f'"{name}"' if layout.quoted else name for name in layout.names)
    columns = [f'"{name}"' for name in layout.names]
    target = str(csv).replace("'", "''")
    quoted = f", force_quote ({', '.join(columns[layout.names.index(name)] for name in layout.quoted)})"
    connection.execute(
        f"copy (from ({layout.query}) as trips ({', '.join(columns)})) to '{target}'"
        f" (format csv, header false{quoted if layout.quoted else ''}, new_line '\\r\\n')"
    )
    rows = csv.with_suffix(".rows")
    csv.rename(rows)
    with csv.open("wb") as whole, rows.open("rb") as made:
        whole.write(f"{quoted_header}\r\n".encode())
        shutil.copyfileobj(made, whole, 1 << 20)
    rows.unlink()


def _add_csv(archive: ZipFile, csv: Path) -> None:
    """Add a CSV, then its Mac companion, which is not a CSV in spite of its name.

    Members made from a name have a fixed date. So the archive's bytes do not depend on the clock.
    """
    with archive.open(csv.name, "w") as member, csv.open("rb") as made:
        shutil.copyfileobj(made, member, 1 << 20)
    with archive.open(f"__MACOSX/._{csv.name}", "w") as member:
        member.write(MAC_COMPANION)


def _trips(
    month: date, weights: Mapping[int, float], *, key: int, ride_key: int, rows: int, start: int, stop: int
) -> str:
    has_milliseconds = month >= MILLISECONDS_FROM
    pattern = "%Y-%m-%d %H:%M:%S.%g" if has_milliseconds else "%Y-%m-%d %H:%M:%S"
    return f"""
with placed as ({placed_rows(start, stop, rows, _QUIRKS)}
),
drawn as (
    select
        *,
        {uniforms("i", key, _DRAWS)}
    from placed
),
timed as (
    select *, {_times(month, has_milliseconds)}
    from drawn
),
{_filed(month, has_milliseconds)},
ridden as (
    select
        *,
        {choice("u_kind", _KINDS)} as kind,
        {pick("u_start", weights, 4096)} as start_number,
        {pick(near("u_start", "u_end", 0.35), weights, 4096)} as drawn_end,
        case
            when u_round_trip < 0.029 then start_number
            when drawn_end = start_number then (drawn_end + 1) % {len(weights)}
            else drawn_end
        end as end_number
    from filed
)
select
    format('{{:016X}}', {hashed("i", ride_key, _RIDE)}) as ride_id,
    split_part(kind, ' ', 1) as rideable_type,
    strftime(make_timestamp(started * 1000000 + {_milliseconds("u_millisecond")}), '{pattern}') as started_at,
    strftime(make_timestamp(ended * 1000000 + {_milliseconds("u_end_millisecond")}), '{pattern}') as ended_at,
    departed.name as start_station_name,
    departed.id as start_station_id,
    if(quirk = 'not_docked', null, arrived.name) as end_station_name,
    if(quirk in ('not_docked', 'no_id'), null, arrived.id) as end_station_id,
    -- electric bikes publish their own position, the others that of their dock
    if(kind[1] = 'e', round(departed.lat + 0.0004 * (u_gps_lat - 0.5), 9), departed.lat) as start_lat,
    if(kind[1] = 'e', round(departed.lng + 0.0004 * (u_gps_lng - 0.5), 9), departed.lng) as start_lng,
    case
        when quirk != 'not_docked' then arrived.lat
        when quirk_number % 5 > 0 then round(arrived.lat, 2)
    end as end_lat,
    case
        when quirk != 'not_docked' then arrived.lng
        when quirk_number % 5 > 0 then round(arrived.lng, 2)
    end as end_lng,
    split_part(kind, ' ', 2) as member_casual
from ridden
inner join stations as departed on departed.number = start_number
inner join stations as arrived on arrived.number = end_number"""


def _milliseconds(rank: str) -> str:
    return f"1000 * floor({rank} * 1000)::bigint"


def _times(month: date, has_milliseconds: bool) -> str:
    """Start and end, in seconds on the wall."""
    first = wall_seconds(month)
    ordinary = (
        f"{start_seconds(month, 'u_day', _WEEKDAYS)} + 3600 * {pick('u_hour', _HOURS)} + floor(u_second * 3600)::bigint"
    )
    clock_back = clock_goes_back(month)
    odd = []
    if clock_back:
        odd.append(f"when quirk = 'clock_change' then {wall_seconds(clock_back) + 2 * 3600 - 400}")
    if has_milliseconds:
        odd.append(f"when quirk = 'previous_month' then {first - 1} - floor(u_second * 1200)::bigint")
    return f"""
        case {" ".join(odd)} when true then {on_the_wall(month, f"({ordinary})")} end as started,
        case
            when quirk = 'longest' then 60 * 1499 + floor(u_minutes * 60)::bigint
            when quirk = 'not_docked' and u_lost < 0.3 then 60 * 1498 + floor(u_minutes * 120)::bigint
            when quirk in ('clock_change', 'previous_month') then 1300 + floor(u_minutes * 1200)::bigint
            else round(60 * {quantiles("u_minutes", _MINUTES)})::bigint
        end as seconds,
        {end_on_the_wall(month, "started", "seconds", "if(quirk = 'clock_change', 0, u_clock)")} as ended"""


def _filed(month: date, has_milliseconds: bool) -> str:
    """The query `filed`: the trips that belong into the month's file.

    Where the end of a trip decides, trips that end after the month are moved two days back. To leave them out would
    change the number of rows.
    """
    if not has_milliseconds:
        return "filed as (select * from timed)"
    past_end = f"ended >= {wall_seconds(next_month(month))}"
    return f"""filed as (
    select
        * exclude (started, ended),
        started - if({past_end}, 172800, 0) as started,
        ended - if({past_end}, 172800, 0) as ended
    from timed
)"""
