"""Downloads that run ahead of the load: some at a time, so many files on disk, in the order asked for."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import requests

from ingestion.errors import NotPublishedError
from ingestion.fetch.answers import FILE_SERVER, AnswerRules
from ingestion.fetch.download import Downloaded, Progress, download, http_session
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from warehouse.ledger import Fingerprint


@dataclass(frozen=True)
class DownloadJob:
    """One file to fetch, as `download` takes it. `addresses` and `progress` are called from another thread.

    Where none of the addresses is published, `look_up` is asked, from that thread, whether there are others. What
    either raises is the download's failure, as any other.

    The folder must be this job's alone. It is made when the download begins; its removal is the
    consumer's.
    """

    addresses: Callable[[], Sequence[str]]
    folder: Path
    known: Fingerprint | None
    progress: Progress
    look_up: Callable[[requests.Session], Sequence[str]] = lambda session: ()
    rules: AnswerRules = FILE_SERVER


@contextmanager
def downloads_ahead(
    jobs: Iterable[DownloadJob], *, ahead: int = 2, policy: RetryPolicy = DEFAULT_POLICY
) -> Iterator[Iterator[Future[Downloaded | None]]]:
    """Download while the consumer loads what came before.

    Yields an iterator with one finished future a job, in the jobs' order; its `result()` is that of
    `download`, or raises what that raised, and none stops the others. At most `ahead` downloads run, and
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
        # Sessions are not made for several threads.
        with http_session() as session:

            def fetch_one_of(addresses: Sequence[str]) -> Downloaded | None:
                return download(
                    addresses,
                    job.folder,
                    session,
                    known=job.known,
                    progress=job.progress,
                    rules=job.rules,
                    policy=policy,
                    cancelled=cancelled,
                )

            try:
                return fetch_one_of(job.addresses())
            except NotPublishedError:
                if others := job.look_up(session):
                    return fetch_one_of(others)
                raise

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
