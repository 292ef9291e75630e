"""Raw data of every subject, so that every table that dbt builds has rows."""

from datetime import date
from itertools import product

from tests.dbt.markets.files import FEEDS as FEEDS_OF_DAYS
from tests.dbt.markets.files import LAST, LOADED_FIRST, rows_of
from tests.dbt.markets.messages import DAYS, STREAMS, Said, Topics, take
from tests.dbt.small_warehouse import JANUARY, Warehouse, trip, yellow_month
from tests.dbt.telemetry.lines import CRAWLS, EVENTS, HOURS, Line
from tests.dbt.telemetry.lines import DAYS as DAYS_OF_PROFILES
from tests.dbt.telemetry.lines import rows_of as rows_of_lines


def fill_every_table(built: Warehouse) -> None:
    """Load a zone's shape, rain on one of two days with trips, days of markets, messages
    of its streams, and lines of telemetry.

    A key without rows proves nothing.
    """
    square = '{"type":"MultiPolygon","coordinates":[[[[-74,40],[-74,41],[-73,41],[-74,40]]]]}'
    built.load("taxi_zones", date(2009, 1, 1), [{"location_id": 56, "zone": "Corona", "geometry": square}])
    another_day = trip("2025-01-13 08:00:00", "2025-01-13 08:10:00")
    built.load("yellow", JANUARY, [*yellow_month(JANUARY), another_day])
    built.load_weather(JANUARY)
    built.execute("update raw_data.weather_hourly set rain = 1, precipitation = 1 where time = '2025-01-10 13:00:00'")
    for feed, day in LOADED_FIRST:
        built.load(feed, day, rows_of(feed, day, 1))
    for feed in FEEDS_OF_DAYS:
        # Unlike the days before, which makes anomalies.
        built.load(feed, LAST, rows_of(feed, LAST, 2))
    topics = Topics()
    said = [
        Said(feed, 6 * number + each, day, 1, 0)
        for feed, each in product(STREAMS, range(6))
        for number, day in enumerate(DAYS)
    ]
    # A trade that moved to another day, and what a reader could not read.
    take(built, [topics.append(one) for one in (*said, Said("trades", 0, DAYS[1], 2, 5))])
    built.execute(
        "insert into raw_data.stream_rejects by name select 'trades' as feed, 'raw.trades' as topic,"
        " 1 as kafka_partition, 0 as kafka_offset, 'tombstone' as reason, 'nothing' as explanation, '1' as _dlt_load_id"
    )
    # A failure, a success after it, an event that is said again in another hour, and lines with faults.
    lines = [Line(0, 5, 1), Line(2, 40, 0), Line(1, 6, 4)]
    built.load(EVENTS, HOURS[0], rows_of_lines(EVENTS, lines))
    built.load(EVENTS, HOURS[1], rows_of_lines(EVENTS, [Line(0, 65, 1), Line(4, 70, 0)]))
    for day in DAYS_OF_PROFILES:
        built.load(CRAWLS, day, rows_of_lines(CRAWLS, lines))
    built.left_out = ()
