"""A warehouse with many small partitions: trading days of minute bars, loaded as the loader leaves them.

Raw rows, watermarks and the runs that loaded them are written in SQL, all days at once: the loader takes a second for
twenty days. What is made of them is built and published by dbt and the platform itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from ingestion.catalog import FEEDS, raw_tables
from ingestion.markets.trading_days import trading_days
from ingestion.partitions import Partition
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger, utc_now
from warehouse.periods import Grain, Period

FEED = FEEDS["minute_aggs"]
# Trading days of a year are about 252.
_DAYS_PER_TRADING_DAY = 1.5
# From 14:30 UTC on there is trading, in summer as in winter.
_FIRST_MINUTE = "14:30:00"


@dataclass(frozen=True)
class Shape:
    """How many rows a day has: a few minutes of each of many tickers."""

    tickers: int = 30
    minutes: int = 2

    @property
    def rows(self) -> int:
        """The rows of a day."""
        return self.tickers * self.minutes


def newest_days(count: int, last: date | None = None) -> list[date]:
    """The newest trading days that are due, or those until `last`, by time."""
    last = last or utc_now().date() - timedelta(days=FEED.publication_lag_days + 1)
    first = last - timedelta(days=int(count * _DAYS_PER_TRADING_DAY) + 10)
    return sorted(trading_days(first, last))[-count:]


def load(days: Sequence[date], shape: Shape, load: str = "first") -> None:
    """Load days in place of what is there of them, each in a load and a run of its own, into the warehouse's file."""
    with open_for_writing() as connection:
        Ledger(connection)
        _create_raw_tables(connection)
        connection.begin()
        connection.execute("create or replace temp table days (day date, number bigint)")
        connection.execute("insert into days select unnest($days), unnest(range(len($days)))", {"days": list(days)})
        _write_rows(connection, shape, load)
        _write_ledger(connection, load)
        connection.commit()


def partition_of(day: date) -> Partition:
    """The partition of a day."""
    return Partition(FEED, Period.parse(Grain.DAY, str(day)))


def _create_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema if not exists raw_data")
    for table, columns in raw_tables().items():
        definitions = ", ".join(f"{column.name} {column.type}" for column in columns)
        connection.execute(f"create table if not exists raw_data.{table} ({definitions}, _dlt_load_id varchar)")


def _write_rows(connection: duckdb.DuckDBPyConnection, shape: Shape, load: str) -> None:
    connection.execute(f"delete from raw_data.{FEED.raw_table} where source_date in (select day from days)")
    connection.execute(
        f"""
        insert into raw_data.{FEED.raw_table} by name
        select
            'T' || (row_number // $minutes) as ticker,
            100.5 + row_number % 7 as volume,
            10 + row_number % 5 as open,
            10 + row_number % 3 as close,
            17.0 as high,
            9.0 as low,
            epoch_ns(day + time '{_FIRST_MINUTE}') + 60000000000 * (row_number % $minutes) as window_start,
            1 + row_number % 10 as transactions,
            '{FEED.name}' as feed,
            day as source_date,
            row_number as source_row,
            $load || ' ' || day as _dlt_load_id
        from days cross join range($rows) as numbers (row_number)
        order by day, row_number
        """,
        {"rows": shape.rows, "minutes": shape.minutes, "load": load},
    )


def _write_ledger(connection: duckdb.DuckDBPyConnection, load: str) -> None:
    """A watermark and a run of each day. The runs are a minute apart, and the last one is now."""
    connection.execute(
        f"""
        create or replace temp table loads as
        select
            '{FEED.name}' as asset,
            strftime(day, '%Y-%m-%d') as partition_key,
            '{FEED.name}' as feed,
            'day' as grain,
            day::timestamp as period_start,
            day + interval 1 day as period_end,
            $load || ' ' || day as load_id,
            load_id as version,
            rows,
            'https://example.org/minute_aggs/' || day || '.csv.gz' as source_url,
            'etag of ' || load_id as etag,
            $now - to_minutes((select max(number) from days) - number) as updated_at
        from days
        inner join (select source_date, count(*) as rows from raw_data.{FEED.raw_table} group by all)
            on day = source_date
        """,
        {"load": load, "now": utc_now()},
    )
    connection.execute("insert or replace into meta.asset_watermarks by name from loads")
    connection.execute(
        """
        insert into meta.ingestion_runs by name
        select
            'run of ' || load_id as run_id,
            'ingestion' as kind,
            'terminal' as started_by,
            updated_at - interval 1 second as started_at,
            updated_at as finished_at,
            'success' as status,
            '{}' as arguments
        from loads;
        insert into meta.ingestion_run_assets by name
        select
            'run of ' || load_id as run_id,
            'loaded' as status,
            1.0 as seconds,
            columns(* exclude (feed, version, updated_at))
        from loads
        """
    )
