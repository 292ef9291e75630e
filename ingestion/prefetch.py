"""Downloads that run ahead of the load: some at a time, so many files on disk, in the order asked for."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ingestion.publishers import Downloaded


@dataclass(frozen=True)
class DownloadJob:
    """One file to fetch.

    `fetch` is called from another thread, with an event that is set when nobody waits for the file any longer. What it
    raises is this job's failure. `folder` must be this job's alone; it is made when the download begins, and removing
    it is up to the consumer.
    """

    folder: Path
    fetch: Callable[[threading.Event], Downloaded | None]


@contextmanager
def downloads_ahead(jobs: Iterable[DownloadJob], *, ahead: int = 2) -> Iterator[Iterator[Future[Downloaded | None]]]:
    """Download while the consumer loads what came before.

    Yields an iterator with one finished future a job, in the jobs' order; its `result()` is that of
    its `fetch`, or raises what that raised, and none stops the others. At most `ahead` downloads run, and
    at most `ahead` files wait on disk beside the one that the consumer has; it is done with that when it
    asks for the next, and should have removed its folder by then. Jobs are taken as they begin.

    When the context is left, what has not begun is cancelled and what runs is ended; no thread writes to
    a folder after that.

    Raises:
        ValueError: `ahead` is less than 1.
    """
    if ahead < 1:
        raise ValueError(f"expected at least 1 download ahead, got {ahead}")
    cancelled = threading.Event()

    def fetch(job: DownloadJob) -> Downloaded | None:
        job.folder.mkdir(parents=True, exist_ok=True)
        return job.fetch(cancelled)

    executor = ThreadPoolExecutor(ahead, thread_name_prefix="download")
    try:
        yield _in_order((executor.submit(fetch, job) for job in jobs), ahead)
    finally:
        cancelled.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _in_order(futures: Iterator[Future[Downloaded | None]], ahead: int) -> Iterator[Future[Downloaded | None]]:
    """Each future once it is finished; the next ones are begun before the consumer goes to work on it."""
    begun = deque(islice(futures, ahead))
    while begun:
        wait([begun[0]])
        finished = begun.popleft()
        begun.extend(islice(futures, 1))
        yield finished
