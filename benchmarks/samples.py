"""Sample files to measure with, made once and kept below `data/benchmark`."""

import os
import tempfile
from datetime import date
from pathlib import Path

from ingestion.download import Downloaded
from ingestion.feeds import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import load_file
from ingestion.sample_publisher.files import row_count, write_file
from warehouse.ledger import Fingerprint
from warehouse.paths import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "data" / "benchmark"


def sample_file(feed: str, month: date, rows: int) -> Path:
    """A sample file of the feed and month with about so many rows, made unless it is there."""
    yellow_rows = round(rows * 1_000_000 / row_count(feed, month, rows=1_000_000))
    folder = FOLDER / f"{feed}-{month:%Y-%m}-{rows}"
    made = list(folder.glob("*"))
    return made[0] if made else write_file(feed, month, folder, rows=yellow_rows)


def load_sample(feed: str, month: date, rows: int) -> None:
    """Load a sample file into the warehouse, as the platform does with a downloaded one."""
    path = sample_file(feed, month, rows)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        linked = Path(folder) / path.name  # loading works in the file's folder
        os.link(path, linked)
        load_file(Partition(FEEDS[feed], month), Downloaded(linked, Fingerprint(path.as_uri()), path.stat().st_size))
