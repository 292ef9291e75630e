"""What the ledger keeps, as values."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from warehouse.secrets import without_secrets

RunStatus = Literal["running", "success", "failed"]


@dataclass(frozen=True)
class Fingerprint:
    """What tells one state of a published file from another.

    The address is kept without its secrets, so that the file is the same whoever asks for it.
    `content_hash` is kept for publishers that answer without ETag and Last-Modified.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    content_length: int | None = None
    content_hash: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", without_secrets(self.url))


@dataclass(frozen=True)
class Watermark:
    """What the ledger knows of the current rows of a feed's partition."""

    load_id: str
    rows: int
    min_event_time: datetime | None
    max_event_time: datetime | None
    fingerprint: Fingerprint


@dataclass(frozen=True)
class RunAsset:
    """What one run did to one asset, or one partition of it."""

    asset: str
    partition_key: str | None
    status: str
    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    fingerprint: Fingerprint | None = None
    load_id: str | None = None
    error: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Check:
    """What a check observed of an asset; `passed` is false also where it only warns.

    `partition_key` names the partition, as `warehouse.periods.partition_key` writes it. It is missing where the check
    is of the whole asset.
    """

    asset: str
    check_name: str
    source: Literal["dbt", "spark", "great_expectations", "dagster"]
    severity: Literal["error", "warn"]
    passed: bool
    observed: str
    expected: str
    partition_key: str | None = None


def utc_now() -> datetime:
    """The present as the ledger keeps it: UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)
