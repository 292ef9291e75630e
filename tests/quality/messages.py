"""Messages of the exchange for the sample of days: trades, order books and prices by interval."""

from collections.abc import Sequence
from datetime import date

from ingestion.catalog import FEEDS, raw_tables
from tests.dbt.markets.trade_messages import Stream, random_trades
from tests.dbt.small_warehouse import Warehouse

_TRADES_OF_A_DAY = 2000

# Where reading stands after them.
_OFFSETS = """
    insert into meta.stream_offsets
    select '{feed}', 'raw.{feed}', kafka_partition, null, min(kafka_offset), max(kafka_offset) + 1,
        max(kafka_offset) + 1, count(*), 0, 0, max(kafka_timestamp), max(kafka_timestamp)
    from raw_data.{table} group by kafka_partition
"""

_MOMENTS_OF_A_DAY = 20 * 39
# Twenty symbols, every ten minutes of a session in winter.
_MOMENTS = """
    (
        select
            {first_offset} + row_number() over (order by n, minute) - 1 as kafka_offset,
            0 as kafka_partition,
            moment as kafka_timestamp,
            moment as event_timestamp,
            'S' || lpad(n::varchar, 2, '0') as symbol,
            5.0 + 7 * n + (minute * (n + 3)) % 40 / 100 as price,
            *
        from (
            select n, minute, timestamp '{day} 14:30:00' + to_minutes(minute) as moment
            from range(20) as symbols (n) cross join range(0, 390, 10) as minutes (minute)
        )
    )
"""
_MESSAGE = "kafka_offset, kafka_partition, kafka_timestamp, event_timestamp, symbol"
_BOOKS = f"""
    select
        {_MESSAGE}, 'XNYS' as exchange, moment as snapshot_timestamp,
        {", ".join(f"price - 0.0{level} as bid_price_{level}, 100 as bid_size_{level}" for level in (1, 2, 3))},
        {", ".join(f"price + 0.0{level} as ask_price_{level}, 100 as ask_size_{level}" for level in (1, 2, 3))}
    from {_MOMENTS}
"""
_PRICES = f"""
    select
        {_MESSAGE}, moment as interval_start, 600 as interval_seconds, price as open, price + 0.3 as high,
        price - 0.2 as low, price + 0.1 as close, if(minute = 0, null, 1000.0) as volume
    from {_MOMENTS}
"""


def bring_messages(warehouse: Warehouse, days: Sequence[date]) -> None:
    """Write messages of these days into raw data and the ledger, as the engine does."""
    streams = [feed for feed in FEEDS.values() if feed.is_stream]
    for table, columns in raw_tables(streams).items():
        definitions = ", ".join(f"{column.name} {column.type}" for column in columns)
        warehouse.execute(f"create table if not exists raw_data.{table} ({definitions}, _dlt_load_id varchar)")
    trades = Stream(warehouse)
    for number, day in enumerate(days):
        trades.bring(random_trades(day, _TRADES_OF_A_DAY, seed=1))
        first_offset = number * _MOMENTS_OF_A_DAY
        warehouse.load_query("orderbook", day, _BOOKS.format(day=day, first_offset=first_offset))
        warehouse.load_query("marketdata", day, _PRICES.format(day=day, first_offset=first_offset))
    for feed in streams:
        warehouse.execute(_OFFSETS.format(feed=feed.name, table=feed.raw_table))
