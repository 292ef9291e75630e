"""What a run of ingestion says of its partitions, while it works and at the end."""

from dataclasses import dataclass
from enum import StrEnum

from ingestion.partitions import Partition
from warehouse.ledger import Fingerprint, RunAsset


class Status(StrEnum):
    """How a partition came out of a run."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"  # the publisher's file is the one loaded
    NOT_PUBLISHED = "not_published"
    REFUSED = "refused"  # the publisher does not give it to whoever has these keys
    FAILED = "failed"

    @property
    def is_failure(self) -> bool:
        """Whether the partition should have been loaded, and was not."""
        return self in (Status.REFUSED, Status.FAILED)


@dataclass(frozen=True)
class Result:
    """What a run did to one partition.

    `rows` are those it holds now, where that is known. `seconds` is the time the run spent on it; where partitions are
    loaded together, the first one has what it took to begin. `is_transient` says of a failure whether it may go better
    in some minutes, though nobody does anything about it.
    """

    partition: Partition
    status: Status
    seconds: float = 0
    rows: int | None = None
    bytes: int | None = None
    fingerprint: Fingerprint | None = None
    load_id: str | None = None
    error: str | None = None
    note: str | None = None
    is_transient: bool = False

    def for_ledger(self) -> RunAsset:
        """The result as the ledger keeps it."""
        return RunAsset(
            asset=self.partition.feed.name,
            partition_key=self.partition.key,
            status=self.status,
            rows=self.rows,
            bytes=self.bytes,
            seconds=self.seconds,
            fingerprint=self.fingerprint,
            load_id=self.load_id,
            error=self.error,
            note=self.note,
        )


class RunProgress:
    """Is told what a run is doing; `downloading` and `loading` by other threads, too. This one ignores it.

    Partitions that are loaded together are loaded table by table.
    """

    def partition_started(self, partition: Partition) -> None: ...

    def downloading(self, partition: Partition, received: int, expected: int | None) -> None: ...

    def loading(self, partition: Partition) -> None: ...

    def partition_finished(self, result: Result) -> None: ...
