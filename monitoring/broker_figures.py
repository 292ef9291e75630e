"""Figures of the broker: how far topics are ahead of the ledger, also while nobody reads them."""

import os
from collections.abc import Iterator, Mapping

from prometheus_client.core import Metric

from ingestion.catalog import FEEDS
from ingestion.streams.lag import lag
from monitoring.families import gauge
from warehouse.ledger.stream_offsets import StreamOffset

_BROKER_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"


def is_named() -> bool:
    """Whether there is a broker to ask."""
    return bool(os.environ.get(_BROKER_VARIABLE))


def broker_figures(known: Mapping[tuple[str, int], StreamOffset]) -> Iterator[Metric]:
    """The lag of every stream that has a topic. `known` is how far they were read, by feed and partition.

    Raises:
        SettingError: the extra `streams` is not installed, or a setting is wrong.
        BrokerError: the broker does not answer.
    """
    found = lag([feed for feed in FEEDS.values() if feed.is_stream], known)
    yield gauge(
        "nyc_stream_broker_lag_messages",
        "Messages of a topic's partition that the broker has and the ledger has not, asked of the broker.",
        (((each.feed, str(each.kafka_partition)), each.messages) for each in found),
        ["feed", "kafka_partition"],
    )
