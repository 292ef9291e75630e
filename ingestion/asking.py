"""Asking publishers which files they have, without fetching any."""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests
import urllib3.exceptions as urllib3_errors

from ingestion.errors import DownloadError
from ingestion.fetch.answers import FILE_SERVER, described, failed_status
from ingestion.fetch.deadline import within
from ingestion.fetch.download import file_fingerprint
from ingestion.fetch.listing import DEFAULT_BOUNDS, Bounds, Listings
from ingestion.fetch.retries import RetryPolicy, failed_request, hopeless_reason, with_retries
from ingestion.partitions import Partition
from warehouse.ledger import Fingerprint
from warehouse.secrets import scrubbed, without_secrets

# A plan is asked for again sooner than waited for.
ASKING_POLICY = RetryPolicy(
    attempts=3,
    attempts_if_unreachable=2,
    first_wait_seconds=0.2,
    longest_wait_seconds=1,
    jitter_seconds=0.1,
    longest_pause_seconds=2,
    read_timeout_seconds=30,
)

# Of a request that times out by itself, the reason is the better one.
_GRACE_SECONDS = 1


class Asking:
    """One round of questions about these partitions. Use it as a context manager."""

    def __init__(
        self,
        partitions: Iterable[Partition],
        policy: RetryPolicy = ASKING_POLICY,
        listing_bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self._policy = policy
        self._listings = Listings(partitions, listing_bounds)
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def published_file(self, partition: Partition) -> Fingerprint | None:
        """The file that a load would fetch, with its publisher's marks; None where there is none.

        What is listed under a name of the registry need not be asked for one by one.

        Raises:
            DownloadError: the publisher could not be reached, or gave no answer to that question.
        """
        listed = self._listings.of(partition, self._session)
        if listed.registered:
            return listed.registered
        for address in partition.feed.publisher.locate(partition):
            if file := self._headers(address):
                return file
        return listed.others[0] if listed.others else None

    def _headers(self, address: str) -> Fingerprint | None:
        expected = f"{without_secrets(address)}: expected to be told of the file"

        def attempt() -> Fingerprint | None:
            answer = self._answer(address, expected)
            if answer.status_code in (403, 404):
                return None
            if answer.status_code == requests.codes.ok:
                return file_fingerprint(address, answer)
            raise failed_status(answer, "", FILE_SERVER) or DownloadError(
                f"{expected}, but the publisher {described(answer, said='')}. Look at the publisher's page."
            )

        return with_retries(attempt, expected, self._policy, threading.Event(), again="ask again")

    def _answer(self, address: str, expected: str) -> requests.Response:
        timeouts = (self._policy.connect_timeout_seconds, self._policy.read_timeout_seconds)
        seconds = sum(timeouts) + _GRACE_SECONDS
        try:
            return within(seconds, lambda: self._session.head(address, allow_redirects=True, timeout=timeouts))
        except TimeoutError:
            reason = f"no whole answer came within {seconds:g} seconds"
        except requests.RequestException as error:
            if failure := failed_request(error, self._policy, received=""):
                raise failure from error
            reason = hopeless_reason(error)
        except (urllib3_errors.HTTPError, ValueError) as error:
            # Such as a redirect to what is no address.
            reason = f"it cannot be asked for ({error})"
        raise DownloadError(f"{expected}, but {scrubbed(reason)}. Check the publisher's base address.")


def can_be_asked_for(partition: Partition) -> bool:
    """Whether the publisher can be asked for a file's headers alone.

    An address with a query is a question that would be answered with the data itself.
    """
    return not urlsplit(partition.feed.publisher.locate(partition)[0]).query
