"""Days of minute bars in gzip, written by hand."""

import gzip
from datetime import date
from pathlib import Path

import pytest

from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.file_loads import load_file
from ingestion.publishers import Downloaded
from tests.partitions import partition_of
from warehouse.ledger import Fingerprint

BARS = FEEDS["minute_aggs"]
MONDAY = partition_of(BARS, date(2026, 1, 5))
HEADER = "ticker,volume,open,close,high,low,window_start,transactions\n"
NINE_THIRTY = 1767623400000000000


def bar(ticker: str = "AAPL", volume: str = "100", start: str = str(NINE_THIRTY), count: str = "3") -> str:
    return f"{ticker},{volume},10.5,10.25,11,10,{start},{count}\n"


def in_gzip(text: str | bytes) -> bytes:
    return gzip.compress(text.encode() if isinstance(text, str) else text, mtime=0)


def refusal(folder: Path, content: bytes) -> str:
    path = folder / "2026-01-05.csv.gz"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError) as refused:
        load_file(MONDAY, Downloaded(path, Fingerprint("file"), len(content)))
    message = str(refused.value)
    assert message.startswith("2026-01-05.csv.gz: expected ")
    assert len(message) < 600
    return message
