"""One module a publisher: where its files are, and how to read them."""

from pathlib import Path
from typing import Protocol

import duckdb

from ingestion.answers import FILE_SERVER, AnswerRules
from ingestion.feeds import Publisher
from ingestion.partitions import Partition
from ingestion.sources import citibike, tlc, weather
from ingestion.sources.published import PublishedRows


class Source(Protocol):
    """What each publisher's module provides.

    `HAS_LISTING` says whether the publisher lists its files at its base address, as an object store does.
    """

    HAS_LISTING: bool

    def addresses(self, partition: Partition) -> list[str]: ...

    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows: ...


SOURCES: dict[Publisher, Source] = {"tlc": tlc, "citibike": citibike, "weather": weather}

_ANSWER_RULES: dict[Publisher, AnswerRules] = {"weather": weather.ANSWERS}


def answer_rules(publisher: Publisher) -> AnswerRules:
    """How a publisher answers: as a server of plain files, where its module says nothing else."""
    return _ANSWER_RULES.get(publisher, FILE_SERVER)
