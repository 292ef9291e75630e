"""The exchange's streams: trades, the order book and prices by interval, as messages of Kafka in Avro.

A message is of the day on which its event happened, in New York. A later message with the same id corrects an earlier
one: `event_timestamp` says when it was written. Times are UTC.
"""

from datetime import date

from ingestion.calendars import IRREGULAR_PERIODS
from ingestion.feeds import Column, Feed, Stream, columns
from ingestion.streams.publisher import KafkaPublisher
from warehouse.periods import Grain


class Exchange(KafkaPublisher):
    """The exchange's cluster of Kafka."""

    name = "exchange"


_EXCHANGE = Exchange()
_LEVELS = (1, 2, 3)


def _feed(name: str, kind: str, raw_table: str, published: tuple[Column, ...], event_time: str) -> Feed:
    return Feed(
        name=name,
        publisher=_EXCHANGE,
        raw_table=raw_table,
        file_names=(),
        columns=published,
        event_time=event_time,
        first_day=date(2003, 9, 10),
        publication_lag_days=0,
        is_default=False,
        kind=kind,
        staging_model=f"stg_exchange__{raw_table}",
        kept_in=f"silver_{raw_table}",
        quarantined_in="quarantined_stream_rows",
        grain=Grain.DAY,
        calendar=IRREGULAR_PERIODS,
        stream=Stream(topic=f"raw.{name}", zone="America/New_York"),
    )


FEEDS = (
    _feed(
        "trades",
        "trade",
        "trades",
        columns(
            required="trade_timestamp:t",
            optional="trade_id:s symbol:s price:d quantity:d side:s trader_id:s account_id:s exchange:s"
            " event_timestamp:t",
        ),
        event_time="trade_timestamp",
    ),
    _feed(
        "orderbook",
        "order_book",
        "orderbook_snapshots",
        columns(
            required="snapshot_timestamp:t",
            optional="symbol:s exchange:s event_timestamp:t "
            + " ".join(
                f"{side}_{what}_{level}:d" for side in ("bid", "ask") for level in _LEVELS for what in ("price", "size")
            ),
        ),
        event_time="snapshot_timestamp",
    ),
    _feed(
        "marketdata",
        "market_interval",
        "market_data",
        columns(
            required="interval_start:t",
            optional="symbol:s interval_seconds:i open:d high:d low:d close:d volume:d event_timestamp:t",
        ),
        event_time="interval_start",
    ),
)
