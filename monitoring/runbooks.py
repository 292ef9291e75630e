"""The runbooks: what to do about each thing that goes wrong. Alerts and Prometheus rules link to them."""

import os
from enum import StrEnum

_DEFAULT_DOCS_URL = "http://localhost:8000"


class Runbook(StrEnum):
    """A page of `docs/runbooks/`, by its name there."""

    RUN_FAILED = "run-failed"
    FRESHNESS_MISSED = "freshness-missed"
    GAP = "gap"
    QUARANTINE = "quarantine-above-tolerance"
    SCHEMA_DRIFT = "schema-drift"
    DISK_NEARLY_FULL = "disk-nearly-full"
    QUEUE_STUCK = "queue-stuck"
    FILE_IN_USE = "file-in-use"
    CHECK_FAILED = "check-failed"
    BAD_RELEASE = "bad-release"
    WAREHOUSE_LOST = "warehouse-lost"
    STREAM_BEHIND = "stream-behind"
    DAGSTER_STORAGE_DOWN = "dagster-storage-down"
    METRICS_MISSING = "metrics-missing"

    @property
    def url(self) -> str:
        """The page's address on the documentation site, which is at `DOCS_URL`."""
        return f"{os.environ.get('DOCS_URL', '').strip().rstrip('/') or _DEFAULT_DOCS_URL}/runbooks/{self.value}/"
