"""Massive's flat files, the bucket of reference data, and Alpaca's API: what is served, and how it can break."""

from pathlib import Path

from ingestion.partitions import Partition
from sandbox.broken_csvs import CSV
from sandbox.broken_files import FileFormat
from sandbox.broken_gzips import CSV_IN_GZIP
from sandbox.faults import Fault
from sandbox.markets.broker_api import BrokerApi
from sandbox.markets.minute_files import minute_rows, shares_traded, write_minute_file
from sandbox.markets.reference_files import (
    exchange_rows,
    has_exchanges_file,
    has_symbols_file,
    symbol_rows,
    write_exchanges,
    write_symbols,
)
from sandbox.stand_ins import BucketStandIn, StandIn

# Its columns are all text, in which no value is wrong.
_CSV_OF_TEXT = FileFormat(CSV.faults - {Fault.WRONG_TYPES}, CSV.write_broken)


class FlatFiles(BucketStandIn):
    """Massive's bucket of flat files."""

    name = "flat_files"
    path = "flatfiles"
    feeds = ("minute_aggs",)
    file_format = CSV_IN_GZIP
    key_variables = ("MASSIVE_ACCESS_KEY", "MASSIVE_SECRET_KEY")

    def row_count(self, partition: Partition, *, rows: int, revision: int = 0) -> int:
        return minute_rows(partition.period.first_day, rows=rows, revision=revision)

    def write(self, partition: Partition, path: Path, *, rows: int, revision: int) -> None:
        write_minute_file(partition.period.first_day, path, rows=rows, revision=revision)


class ReferenceData(BucketStandIn):
    """The bucket of reference files, which come on no fixed days."""

    name = "reference_data"
    path = "reference-data"
    feeds = ("symbols", "exchanges")
    file_format = _CSV_OF_TEXT
    key_variables = ("REFERENCE_DATA_ACCESS_KEY", "REFERENCE_DATA_SECRET_KEY")

    def has_file(self, partition: Partition) -> bool:
        has_one = has_symbols_file if partition.feed.name == "symbols" else has_exchanges_file
        return has_one(partition.period.first_day)

    def row_count(self, partition: Partition, *, rows: int, revision: int = 0) -> int:
        day = partition.period.first_day
        listed = symbol_rows(day, shares_traded(rows)) if partition.feed.name == "symbols" else exchange_rows(day)
        return len(listed) + 7 * revision

    def write(self, partition: Partition, path: Path, *, rows: int, revision: int) -> None:
        day = partition.period.first_day
        if partition.feed.name == "symbols":
            write_symbols(path, day, shares=shares_traded(rows), revision=revision)
        else:
            write_exchanges(path, day, revision=revision)


STAND_INS: tuple[StandIn, ...] = (FlatFiles(), ReferenceData(), BrokerApi())
