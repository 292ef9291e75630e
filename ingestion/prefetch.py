"""Downloads that run ahead of the load, and come in batches, in the order asked for.

Of large files two are fetched ahead. Of small ones as many as fit into a bounded number of bytes, a few at a time.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ingestion.publishers import Downloaded


@dataclass(frozen=True)
class DownloadJob:
    """One file to fetch.

    `fetch` is called from another thread, with an event that is set when nobody waits for the file any longer. What it
    raises is this job's failure. `folder` must be this job's alone; it is made when the download begins, if it is
    needed, and removing it is up to the consumer.
    """

    folder: Path
    fetch: Callable[[threading.Event], Downloaded | None]
    needs_folder: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Limits:
    """How much may be fetched ahead, and how much comes in one batch.

    `ahead` files may always be fetched beside the batch that the consumer has, however large they are. More are
    fetched, `at_once` at a time, while all that wait are at most `waiting_bytes` and `waiting_files`. A batch has at
    most `batch_files` and `batch_bytes`, but always one file. While it is not full it waits `wait_for_next_seconds` for
    the next file, and `wait_seconds` in all: a batch costs about half a second, whatever it has.
    """

    ahead: int = 2
    at_once: int = 4
    waiting_bytes: int = 768_000_000
    waiting_files: int = 2_000
    batch_bytes: int = 512_000_000
    batch_files: int = 2_000
    wait_for_next_seconds: float = 0.02
    wait_seconds: float = 0.25


DEFAULT_LIMITS = Limits()


@contextmanager
def downloads_ahead(
    jobs: Iterable[DownloadJob], *, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Iterator[list[Future[Downloaded | None]]]]:
    """Download while the consumer loads what came before.

    Yields an iterator of batches. A batch has a finished future a job, in the jobs' order: the next one, for which it
    waits, and those after it that have finished already. A future's `result()` is that of the job's `fetch`, or raises
    what that raised, and none stops the others. The consumer is done with a batch when it asks for the next, and
    should have removed its folders by then. Jobs are taken as they begin.

    When the context is left, what has not begun is cancelled and what runs is ended; no thread writes to
    a folder after that.

    Raises:
        ValueError: `limits.ahead` is less than 1.
    """
    if limits.ahead < 1:
        raise ValueError(f"expected at least 1 download ahead, got {limits.ahead}")
    queue = _Queue(iter(jobs), limits)
    executor = ThreadPoolExecutor(queue.workers, thread_name_prefix="download")
    try:
        for _ in range(queue.workers):
            executor.submit(queue.work)
        yield queue.batches()
    finally:
        queue.close()
        executor.shutdown(wait=True, cancel_futures=True)


class _Queue:
    """The downloads that run or wait for the consumer, in their order."""

    def __init__(self, jobs: Iterator[DownloadJob], limits: Limits) -> None:
        self.workers = max(limits.ahead, limits.at_once)
        self._jobs = jobs
        self._limits = limits
        self._has_more = True
        self._begun: deque[Future[Downloaded | None]] = deque()
        self._running = 0
        self._waiting_bytes = 0
        # A file that has not come is taken for as large as the largest so far.
        self._largest: int | None = None
        self._cancelled = threading.Event()
        self._changed = threading.Condition()

    def work(self) -> None:
        """Download until there is nothing more to do; run by each thread."""
        while begun := self._begin():
            job, download = begun
            try:
                if job.needs_folder():
                    job.folder.mkdir(parents=True, exist_ok=True)
                download.set_result(job.fetch(self._cancelled))
            # Every download must end, or the consumer waits for ever.
            except BaseException as error:  # noqa: BLE001
                download.set_exception(error)
            with self._changed:
                self._running -= 1
                if size := _size(download):
                    self._waiting_bytes += size
                    self._largest = max(size, self._largest or 0)
                self._changed.notify_all()

    def batches(self) -> Iterator[list[Future[Downloaded | None]]]:
        """The finished downloads, batch by batch."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._begun[0].done() if self._begun else not self._has_more)
                if not self._begun:
                    return
                self._wait_for_more()
                batch = self._take_finished()
                self._waiting_bytes -= sum(map(_size, batch))
                self._changed.notify_all()
            yield batch

    def _wait_for_more(self) -> None:
        """Let small files come that are on their way."""
        until = time.monotonic() + self._limits.wait_seconds
        finished = 0
        while (left := until - time.monotonic()) > 0 and not self._cancelled.is_set():
            while self._has_finished(finished):
                finished += 1
            is_full = finished >= self._limits.batch_files or self._waiting_bytes >= self._limits.batch_bytes
            if is_full or (finished == len(self._begun) and not self._has_more):
                return
            wait = min(left, self._limits.wait_for_next_seconds)
            if not self._changed.wait_for(partial(self._has_finished, finished), wait):
                return

    def _has_finished(self, position: int) -> bool:
        return position < len(self._begun) and self._begun[position].done()

    def close(self) -> None:
        """End what runs, and begin nothing more."""
        self._cancelled.set()
        with self._changed:
            self._changed.notify_all()

    def _begin(self) -> tuple[DownloadJob, Future[Downloaded | None]] | None:
        """The next job, once there is room for it; None if there is none, or nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._cancelled.is_set() or not self._has_more or self._has_room())
            job = None if self._cancelled.is_set() or not self._has_more else next(self._jobs, None)
            if job is None:
                self._has_more = False
                self._changed.notify_all()
                return None
            download: Future[Downloaded | None] = Future()
            self._begun.append(download)
            self._running += 1
            return job, download

    def _has_room(self) -> bool:
        limits, begun = self._limits, len(self._begun)
        if begun < limits.ahead:
            return True
        if self._largest is None or self._running >= limits.at_once or begun >= limits.waiting_files:
            return False
        return self._waiting_bytes + (self._running + 1) * self._largest <= limits.waiting_bytes

    def _take_finished(self) -> list[Future[Downloaded | None]]:
        batch = [self._begun.popleft()]
        size = _size(batch[0])
        while self._begun and self._begun[0].done() and len(batch) < self._limits.batch_files:
            size += _size(self._begun[0])
            if size > self._limits.batch_bytes:
                break
            batch.append(self._begun.popleft())
        return batch


def _size(download: Future[Downloaded | None]) -> int:
    """The bytes that a finished download has put on disk."""
    if not download.done() or download.exception() or (file := download.result()) is None:
        return 0
    return file.bytes
