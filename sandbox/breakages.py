"""Which periods of which feeds are broken now, and how."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from sandbox.catalog import FEEDS_SERVED, stand_in_of
from sandbox.faults import CONNECTION_FAULTS, Fault

_FORM = "expected FEED:PERIOD:FAULT or FEED:PERIOD:FAULT:TIMES"


def faults_of(feed: str) -> list[Fault]:
    """The faults that a feed can have."""
    possible = stand_in_of(feed).faults | CONNECTION_FAULTS
    return [fault for fault in Fault if fault in possible]


@dataclass(frozen=True)
class Breakage:
    """A partition that is broken, for so many requests or for good.

    Raises:
        ValueError: the feed cannot be broken that way.
    """

    partition: Partition
    fault: Fault
    times: int | None = None

    def __post_init__(self) -> None:
        feed = self.partition.feed.name
        possible = faults_of(feed)
        if self.fault not in possible:
            raise ValueError(f"{feed} cannot be broken by {self.fault}: expected one of {', '.join(possible)}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"expected a number of times of at least 1, got {self.times}")


def parse_breakage(text: str) -> Breakage:
    """Read `feed:period:fault` or `feed:period:fault:times`, such as `FEED:2025-05:html`.

    Raises:
        ValueError: the text has another form, or the feed cannot be broken that way.
    """
    words = text.split(":")
    if not 3 <= len(words) <= 4:
        raise ValueError(f"{_FORM}, got {text!r}")
    feed, key, fault, *times = words
    if feed not in FEEDS_SERVED:
        raise ValueError(f"unknown feed {feed!r}: expected one of {', '.join(FEEDS_SERVED)}")
    if fault not in set(Fault):
        raise ValueError(f"unknown fault {fault!r}: expected one of {', '.join(faults_of(feed))}")
    if times and not times[0].isdecimal():
        raise ValueError(f"expected a number of times, got {times[0]!r}")
    partition = Partition(FEEDS[feed], FEEDS[feed].period(key))
    return Breakage(partition, Fault(fault), int(times[0]) if times else None)


class Breakages:
    """The partitions that are broken now. Safe for threads."""

    def __init__(self) -> None:
        self._broken: dict[Partition, Breakage] = {}
        self._left: dict[Partition, int] = {}
        self._lock = threading.Lock()

    def add(self, breakage: Breakage) -> None:
        """Break a partition, whatever was wrong with it before."""
        with self._lock:
            self._broken[breakage.partition] = breakage
            self._left.pop(breakage.partition, None)
            if breakage.times is not None:
                self._left[breakage.partition] = breakage.times

    def remove(self, partition: Partition) -> None:
        """Mend a partition."""
        with self._lock:
            self._broken.pop(partition, None)
            self._left.pop(partition, None)

    def partitions(self) -> list[Partition]:
        """Every partition that was broken and not mended."""
        with self._lock:
            return list(self._broken)

    def seen_in_listing(self, partitions: Iterable[Partition]) -> Fault | None:
        """The fault of the first of these partitions that is broken now. A listing does not count as a request."""
        with self._lock:
            for partition in partitions:
                if partition in self._broken and self._left.get(partition) != 0:
                    return self._broken[partition].fault
        return None

    def met_by_request(self, partitions: Iterable[Partition]) -> Fault | None:
        """The fault that the next request for a file with these partitions meets. Counts as one request."""
        with self._lock:
            for partition in partitions:
                breakage = self._broken.get(partition)
                if breakage is None or self._left.get(partition) == 0:
                    continue
                if partition in self._left:
                    self._left[partition] -= 1
                return breakage.fault
        return None
