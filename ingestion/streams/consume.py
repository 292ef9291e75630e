"""Reading streams into the warehouse, exactly once: rows and next offsets are written in one transaction."""

import threading
from collections.abc import Iterable

from ingestion.feeds import Feed
from ingestion.pipeline import STARTED_FROM_TERMINAL, Started
from ingestion.streams.extra import require_extra
from ingestion.streams.results import StreamResult
from ingestion.streams.settings import BatchBounds, KafkaSettings, RegistrySettings


def stream(
    feeds: Iterable[Feed],
    *,
    once: bool,
    started: Started = STARTED_FROM_TERMINAL,
    bounds: BatchBounds | None = None,
    skip_lost: bool = False,
    start_over: bool = False,
    stop: threading.Event | None = None,
) -> list[StreamResult]:
    """Read the topics of these feeds into `raw_data`, from where the ledger is.

    With `once` to the end that each partition has at the start, else until `stop` is set. A batch is written when it
    reaches one of the `bounds`, by default those of the environment. With `skip_lost` it goes on where the broker has
    deleted messages before they were read. With `start_over` all that was loaded of a topic that was made anew since is
    deleted, and the new one is read.

    What cannot be read of a feed is in its result, and the others go on. Results come in the order of the feeds.

    Raises:
        SettingError: the extra `streams` is not installed, or a setting is wrong.
        BrokerError: the broker does not answer; without `once` it is waited for.
        WarehouseError: the DuckDB file cannot be opened or written.
    """
    require_extra()
    # Imported here because the libraries may be absent.
    from ingestion.streams.session import Session

    session = Session(
        [feed for feed in dict.fromkeys(feeds) if feed.is_stream],
        KafkaSettings.from_environment(),
        RegistrySettings.from_environment(),
        bounds or BatchBounds.from_environment(),
        stop or threading.Event(),
        once=once,
    )
    return session.run(started, skip_lost=skip_lost, start_over=start_over)
