"""One module a publisher: where its files are, and how to read them."""

from datetime import date
from pathlib import Path
from typing import Protocol

import duckdb

from ingestion.feeds import Feed, Publisher
from ingestion.sources import citibike, tlc, weather


class Source(Protocol):
    """What each publisher's module provides."""

    def addresses(self, feed: Feed, month: date) -> list[str]: ...

    def rows(self, feed: Feed, path: Path, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation: ...


SOURCES: dict[Publisher, Source] = {"tlc": tlc, "citibike": citibike, "weather": weather}
