"""Where figures come from: each source is read by a thread of its own, so that none holds up another or a scrape.

A source that cannot be read keeps its last figures and says how old they are.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ingestion.catalog import FEEDS
from monitoring.broker_figures import broker_figures, is_named
from monitoring.dagster_figures import DagsterFigures, is_there
from monitoring.families import as_number, by, one
from monitoring.feed_figures import feed_figures, row_figures
from monitoring.ledger_copy import LedgerCopy, LedgerReader
from monitoring.ledger_figures import check_figures, run_figures, stream_figures, table_figures
from monitoring.place_figures import ReleaseFigures, disk_figures
from warehouse.ledger import utc_now
from warehouse.ledger.stream_offsets import StreamOffset, read_stream_offsets
from warehouse.secrets import scrubbed

logger = logging.getLogger(__name__)

_LONGEST_ERROR = 500


@dataclass(frozen=True)
class Reading:
    """Figures, and when they were true, in Unix seconds."""

    figures: tuple[Metric, ...]
    of: float


@dataclass
class Source:
    """Figures that are read every `seconds` seconds. `read` gives them, or None as long as there is nothing to read."""

    name: str
    seconds: float
    read: Callable[[], Reading | None]
    # None until it was tried for the first time.
    is_up: bool | None = None
    took_seconds: float | None = None
    reading: Reading | None = None
    _said: str = ""

    def refresh(self) -> None:
        """Read once. An error is logged when it is new, and the last figures stay."""
        started = time.perf_counter()
        try:
            found = self.read()
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the other figures are still asked for
            said = scrubbed(f"{type(error).__name__}: {' '.join(str(error).split())}")[:_LONGEST_ERROR]
            if said != self._said:
                logger.warning("%s: cannot be read, the last figures stay: %s", self.name, said)
            self._said, self.is_up = said, False
        else:
            if self._said:
                logger.warning("%s: can be read again", self.name)
            self._said, self.is_up = "", True
            self.reading = found or Reading((), time.time())
        self.took_seconds = time.perf_counter() - started


@dataclass(eq=False)
class Sources(Collector):
    """All figures, for a registry of Prometheus."""

    sources: tuple[Source, ...]
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Read every source again and again, until `stop`."""
        for source in self.sources:
            thread = threading.Thread(target=self._keep_fresh, args=(source,), name=source.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Let the threads end; one that waits for a storage is left to the end of the process."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def refresh(self) -> None:
        """Read every source once."""
        for source in self.sources:
            source.refresh()

    def _keep_fresh(self, source: Source) -> None:
        while not self._stop.is_set():
            source.refresh()
            self._stop.wait(source.seconds)

    def collect(self) -> Iterable[Metric]:
        """The last figures of all sources, and how old they are."""
        read = [(source, source.reading) for source in self.sources]
        for _, reading in read:
            if reading:
                yield from reading.figures
        now = time.time()
        yield by(
            "source",
            "nyc_source_up",
            "1 if a source of figures could be read when it was last tried, or was just in use; else 0.",
            {source.name: source.is_up for source, _ in read},
        )
        yield by(
            "source",
            "nyc_source_age_seconds",
            "How old the figures of a source are, in seconds.",
            {source.name: max(now - reading.of, 0.0) for source, reading in read if reading},
        )
        yield by(
            "source",
            "nyc_source_read_duration_seconds",
            "How long the last reading of a source took, in seconds.",
            {source.name: source.took_seconds for source, _ in read},
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is to tell is known when it is read."""
        return []


@dataclass
class LedgerSource:
    """The figures of the ledger. They are made anew when it has changed, and once a minute: periods become due."""

    reader: LedgerReader = field(default_factory=LedgerReader)
    offsets: dict[tuple[str, int], StreamOffset] = field(default_factory=dict)
    _made_of: LedgerCopy | None = None
    _made_at: float = 0.0
    _figures: tuple[Metric, ...] = ()

    def read(self) -> Reading | None:
        """The figures; None where nothing is loaded or published."""
        copy = self.reader.read()
        if copy is None:
            return None
        made_of, now = self._made_of, time.time()
        if made_of is None or made_of.connection is not copy.connection or now - self._made_at > 60:
            self._figures, self._made_of, self._made_at = tuple(_of_ledger(copy)), copy, now
            self.offsets = read_stream_offsets(copy.connection, FEEDS)
        return Reading(self._figures, as_number(copy.of))


def _of_ledger(copy: LedgerCopy) -> Iterator[Metric]:
    yield from feed_figures(copy.connection, utc_now())
    yield from row_figures(copy.rows or ())
    yield one(
        "nyc_feed_rows_timestamp_seconds",
        "When it was counted where rows are, in Unix seconds: after a build, or when the release was made.",
        copy.counted_at,
    )
    for figures in (run_figures, table_figures, check_figures, stream_figures):
        yield from figures(copy.connection)
    yield one(
        "nyc_ledger_is_of_release",
        "1 if figures are of the current release's ledger, since the working file is not there or in use; else 0.",
        copy.is_release,
    )


def _now(figures: Iterable[Metric]) -> Reading:
    return Reading(tuple(figures), time.time())


def all_sources() -> Sources:
    """The sources that there are here: Dagster's only where it is installed and `DAGSTER_HOME` is set,
    the broker's only where one is named."""
    release, ledger = ReleaseFigures(), LedgerSource()
    sources = [
        Source("ledger", 2, ledger.read),
        Source("releases", 15, lambda: _now(release.read())),
        Source("disks", 15, lambda: _now(disk_figures())),
    ]
    if os.environ.get("DAGSTER_HOME") and is_there():
        dagster = DagsterFigures()
        sources.append(Source("dagster", 15, lambda: _now(dagster.read())))
    if is_named():
        sources.append(Source("broker", 30, lambda: _now(broker_figures(ledger.offsets))))
    return Sources(tuple(sources))
