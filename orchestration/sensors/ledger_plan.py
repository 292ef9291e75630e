"""Which of the ledger's partitions Dagster does not know of yet: pure, without I/O."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from ingestion.feeds import Feed
from ingestion.partitions import Partition
from orchestration.assets.partitions import dagster_key, has_partitions
from warehouse.ledger import Watermark
from warehouse.periods import Grain

FileStamp = tuple[int, int]
"""Time of last change in nanoseconds, and size."""


@dataclass(frozen=True)
class LedgerCursor:
    """What a tick leaves to the next one. It only saves work: without a cursor the outcome is the same.

    `files` are the stamps of the DuckDB file and its log when Dagster knew everything in them. `reported` has for each
    group of partitions (`group_of`) the digest of its load ids when Dagster knew all of them.
    """

    files: tuple[FileStamp, ...] = ()
    reported: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str | None) -> "LedgerCursor":
        """Read what `to_json` wrote. Without a text it is the first cursor.

        Raises:
            ValueError: the text is not a cursor.
        """
        return _CURSOR.validate_json(text) if text else cls()

    def to_json(self) -> str:
        """The cursor as Dagster keeps it."""
        return _CURSOR.dump_json(self).decode()


_CURSOR = TypeAdapter(LedgerCursor)


@dataclass(frozen=True)
class Load:
    """What a partition holds now, and the Dagster run that loaded it, if one did."""

    partition: Partition
    watermark: Watermark
    dagster_run_id: str | None


# So many that a load makes Dagster read few others again, and so few that the cursor stays short: it is kept for every
# tick.
_GROUPS = {Grain.MONTH: "", Grain.DAY: "%Y", Grain.HOUR: "%Y-%m"}


def group_of(load: Load) -> str:
    """The partitions among which a load is looked up in Dagster: a feed's days of a year, hours of a month, or all."""
    feed, period = load.partition.feed, load.partition.period
    return f"{feed.name} {period.start.strftime(_GROUPS[period.grain])}" if has_partitions(feed) else feed.name


def digest(loads: Iterable[Load]) -> str:
    """A text that changes whenever one of these partitions is loaded."""
    ids = sorted((load.partition.key, load.watermark.load_id) for load in loads)
    return hashlib.sha256(repr(ids).encode()).hexdigest()[:16]


def one_without_partitions(loads: Iterable[Load]) -> list[Load]:
    """The loads, with only the newest one of each feed whose asset has no partitions, such as a stream."""
    kept: dict[Partition | Feed, Load] = {}
    for load in loads:
        feed = load.partition.feed
        key = load.partition if has_partitions(feed) else feed
        if key not in kept or kept[key].watermark.load_id < load.watermark.load_id:
            kept[key] = load
    return list(kept.values())


def unreported(loads: Iterable[Load], known: Mapping[str | None, str]) -> list[Load]:
    """The loads that Dagster does not know as the latest of their partition.

    `known` has the load id of each partition's latest materialization, by Dagster's partition key; of an asset without
    partitions under None.
    """
    return [load for load in loads if known.get(dagster_key(load.partition)) != load.watermark.load_id]
