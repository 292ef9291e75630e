"""The ledger (`meta`): every run, what it did to each asset, what was checked, and what is loaded now.

Whoever does the work writes it, so that a run from cron, the terminal or Dagster looks the same:
ingestion through the class `Ledger`, dbt through the hooks in `dbt/macros/ledger`. All times are UTC.
"""

from warehouse.ledger.ledger import ABANDONED, INTERRUPTED, TERMINATED, Ledger
from warehouse.ledger.migrations import is_outdated
from warehouse.ledger.records import Check, Fingerprint, RunAsset, RunStatus, Watermark, utc_now
from warehouse.ledger.schema import LEDGER_SCHEMA
from warehouse.ledger.source_files import PartitionSourceFiles, SourceFileState
from warehouse.ledger.watermarks import read_watermarks

__all__ = [
    "ABANDONED",
    "INTERRUPTED",
    "LEDGER_SCHEMA",
    "TERMINATED",
    "Check",
    "Fingerprint",
    "Ledger",
    "PartitionSourceFiles",
    "RunAsset",
    "RunStatus",
    "SourceFileState",
    "Watermark",
    "is_outdated",
    "read_watermarks",
    "utc_now",
]
