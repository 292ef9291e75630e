"""Citi Bike's trips as in its older files: whole numbers for station ids, riders' years of birth.

Names, quotes, times and the text for "not known" changed over the years, each at its own time.
Source: Citi Bike system data, https://citibikenyc.com/system-data
"""

from datetime import date

_NAMES = (
    "tripduration", "starttime", "stoptime", "start station id", "start station name", "start station latitude",
    "start station longitude", "end station id", "end station name", "end station latitude",
    "end station longitude", "bikeid", "usertype", "birth year", "gender",
)  # fmt: skip
_TEXTS = ("starttime", "stoptime", "start station name", "end station name", "usertype")
_TITLES = (
    "Trip Duration", "Start Time", "Stop Time", "Start Station ID", "Start Station Name", "Start Station Latitude",
    "Start Station Longitude", "End Station ID", "End Station Name", "End Station Latitude",
    "End Station Longitude", "Bike ID", "User Type", "Birth Year", "Gender",
)  # fmt: skip
_WITHOUT_SECONDS = (date(2015, 1, 1), date(2015, 2, 1), date(2015, 3, 1), date(2015, 6, 1))
# Trips of dockless bikes, which were tried for a while, have no station.
_DOCKLESS_FROM = date(2018, 8, 1)


def is_old_format(feed: str, month: date) -> bool:
    """Whether a month's file has the old columns. New York's files of 2020 were published again with today's."""
    return month < (date(2021, 2, 1) if feed == "citibike_jc" else date(2020, 1, 1))


def old_header(month: date) -> tuple[str, ...]:
    """The names of the columns."""
    return _TITLES if date(2016, 10, 1) <= month < date(2017, 4, 1) else _NAMES


def quoted_columns(month: date) -> tuple[str, ...]:
    """The columns in quotes: in the first years all or none, later those of text."""
    if month < date(2014, 9, 1):
        return _NAMES
    return _TEXTS if month >= date(2018, 1, 1) else ()


def old_trips(month: date, current: str) -> str:
    """The query for the old columns, from one for today's; needs the table `stations`."""
    unknown_year = _unknown_year(month)
    has_end = "current.end_station_id is not null"
    lost_id = "'NULL'" if month >= _DOCKLESS_FROM else "(departed.number + 72)::varchar"
    lost_name = "'NULL'" if month >= _DOCKLESS_FROM else "departed.name"
    return f"""
select
    -- the time that passed: in November the clock goes back an hour
    epoch(ended_at::timestamp - started_at::timestamp)::bigint + if(ended_at < started_at, 3600, 0) as tripduration,
    {_time(month, "started_at", 0)} as starttime,
    {_time(month, "ended_at", 1)} as stoptime,
    (departed.number + 72)::varchar as "start station id",
    departed.name as "start station name",
    departed.lat as "start station latitude",
    departed.lng as "start station longitude",
    if({has_end}, (arrived.number + 72)::varchar, {lost_id}) as "end station id",
    if({has_end}, arrived.name, {lost_name}) as "end station name",
    if({has_end}, arrived.lat, departed.lat) as "end station latitude",
    if({has_end}, arrived.lng, departed.lng) as "end station longitude",
    (14529 + hash(ride_id) % 20000)::varchar as bikeid,
    if(member_casual = 'member', 'Subscriber', 'Customer') as usertype,
    if(member_casual = 'member', (1945 + hash(ride_id) % 55)::varchar, {unknown_year}) as "birth year",
    if(member_casual = 'member', (1 + (hash(ride_id) % 4 = 0)::integer)::varchar, '0') as gender
from ({current}) as current
inner join stations as departed on departed.id = current.start_station_id
left join stations as arrived on arrived.id = current.end_station_id"""


def _unknown_year(month: date) -> str:
    if month < date(2015, 1, 1):
        return r"'\N'"
    if month >= date(2018, 1, 1):
        return "'1969'"
    return "'NULL'" if month >= date(2017, 4, 1) else "null"


def _time(month: date, column: str, digit: int) -> str:
    time = f"{column}::timestamp"
    if month in _WITHOUT_SECONDS:
        return f"strftime({time}, '%-m/%-d/%Y %-H:%M')"
    if date(2014, 9, 1) <= month < date(2016, 10, 1):
        return f"strftime({time}, '%-m/%-d/%Y %H:%M:%S')"
    fraction = f" || '.' || lpad((hash(ride_id) // {10 ** (4 * digit)} % 10000)::varchar, 4, '0')"
    return f"strftime({time}, '%Y-%m-%d %H:%M:%S')" + (fraction if month >= date(2018, 1, 1) else "")
