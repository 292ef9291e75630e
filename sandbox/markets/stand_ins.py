"""Massive's flat files, the bucket of reference data, and Alpaca's API: what is served, and how it can break."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ingestion.partitions import Partition
from sandbox.broken_csvs import CSV
from sandbox.broken_files import FileFormat
from sandbox.broken_gzips import CSV_IN_GZIP
from sandbox.faults import Fault
from sandbox.markets.broker_api import BrokerApi
from sandbox.markets.exchange.parties import account_rows, has_accounts_file, has_traders_file, trader_rows
from sandbox.markets.minute_files import minute_rows, shares_traded, write_minute_file
from sandbox.markets.reference_files import (
    exchange_rows,
    has_exchanges_file,
    has_symbols_file,
    symbol_rows,
    write_accounts,
    write_exchanges,
    write_symbols,
    write_traders,
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


@dataclass(frozen=True)
class _ReferenceFile:
    """Files of one kind: on which days there is one, how many rows it has of so many shares, and who writes it."""

    has_file: Callable[[date], bool]
    rows: Callable[[date, int], int]
    write: Callable[[Path, date, int, int], None]


_REFERENCE_FILES = {
    "symbols": _ReferenceFile(
        has_symbols_file,
        lambda day, shares: len(symbol_rows(day, shares)),
        lambda path, day, shares, revision: write_symbols(path, day, shares=shares, revision=revision),
    ),
    "exchanges": _ReferenceFile(
        has_exchanges_file,
        lambda day, _: len(exchange_rows(day)),
        lambda path, day, _, revision: write_exchanges(path, day, revision=revision),
    ),
    "traders": _ReferenceFile(
        has_traders_file,
        lambda day, _: len(trader_rows(day)),
        lambda path, day, _, revision: write_traders(path, day, revision=revision),
    ),
    "accounts": _ReferenceFile(
        has_accounts_file,
        lambda day, _: len(account_rows(day)),
        lambda path, day, _, revision: write_accounts(path, day, revision=revision),
    ),
}


class ReferenceData(BucketStandIn):
    """The bucket of reference files, which come on no fixed days."""

    name = "reference_data"
    path = "reference-data"
    feeds = tuple(_REFERENCE_FILES)
    file_format = _CSV_OF_TEXT
    key_variables = ("REFERENCE_DATA_ACCESS_KEY", "REFERENCE_DATA_SECRET_KEY")

    def has_file(self, partition: Partition) -> bool:
        return _REFERENCE_FILES[partition.feed.name].has_file(partition.period.first_day)

    def row_count(self, partition: Partition, *, rows: int, revision: int = 0) -> int:
        one = _REFERENCE_FILES[partition.feed.name]
        return one.rows(partition.period.first_day, shares_traded(rows)) + 7 * revision

    def write(self, partition: Partition, path: Path, *, rows: int, revision: int) -> None:
        one = _REFERENCE_FILES[partition.feed.name]
        one.write(path, partition.period.first_day, shares_traded(rows), revision)


STAND_INS: tuple[StandIn, ...] = (FlatFiles(), ReferenceData(), BrokerApi())
