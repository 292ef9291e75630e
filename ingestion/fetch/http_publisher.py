"""Publishers that serve files over HTTP."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from ingestion.errors import NotPublishedError, load_again
from ingestion.fetch.answers import AnswerRules
from ingestion.fetch.download import download
from ingestion.fetch.file_addresses import file_address, registered_names
from ingestion.fetch.headers import ask_for_headers
from ingestion.fetch.listing import Listings
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.fetch.session_pool import SessionPool
from ingestion.fetch.settings import address_setting
from ingestion.partitions import Partition
from ingestion.publishers import Downloaded, Progress, Publisher, Visit
from warehouse.ledger import Fingerprint


class HttpPublisher(AnswerRules, Publisher):
    """A publisher whose files are below a base address, under the `file_names` of its feeds.

    The base address is the setting `sources.<name>.base_url`, or `default_base_url`. `has_listing` says whether the
    publisher lists its files there, as an object store does. What its answers mean is in the methods of AnswerRules:
    override those in which it is not like a plain file server.
    """

    default_base_url: ClassVar[str]

    def base_address(self) -> str:
        """The address that the files are below, without a slash at its end."""
        return address_setting(self.name, "base_url", self.default_base_url)

    def locate(self, partition: Partition) -> list[str]:
        """The addresses at which a partition's file may be, by the names that its feed declares."""
        base = self.base_address()
        return [file_address(base, name) for name in registered_names(partition)]

    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> "HttpVisit":
        """Begin a visit for these partitions."""
        return HttpVisit(self, partitions, policy)


class HttpVisit(Visit):
    """A visit over HTTP. Its sessions are used again, so that many files need few connections."""

    def __init__(self, publisher: HttpPublisher, partitions: Iterable[Partition], policy: RetryPolicy) -> None:
        self._publisher = publisher
        self._policy = policy
        self._sessions = SessionPool()
        self._listings = Listings(publisher.base_address, partitions, policy) if publisher.has_listing else None

    def ask(self, partition: Partition) -> Fingerprint | None:
        """The file that a load would fetch.

        A file that is listed under a declared name is not asked for by itself.
        """
        with self._sessions.borrowed() as session:
            listed = self._listings.of(partition, session) if self._listings else None
            if listed and listed.registered:
                return listed.registered
            for address in self._publisher.locate(partition):
                if file := ask_for_headers(address, session, self._publisher, self._policy):
                    return file
            return listed.others[0] if listed and listed.others else None

    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        """Fetch the file under a declared name, else under another one that the publisher lists for the partition."""
        with self._sessions.borrowed() as session:

            def fetch_one_of(addresses: list[str]) -> Downloaded | None:
                return download(
                    addresses,
                    folder,
                    session,
                    known=known,
                    progress=progress,
                    rules=self._publisher,
                    again=load_again(partition.feed.grain),
                    policy=self._policy,
                    cancelled=cancelled,
                )

            try:
                return fetch_one_of(self._publisher.locate(partition))
            except NotPublishedError:
                others = self._listings.other_addresses(partition, session) if self._listings else []
                if not others:
                    raise
                return fetch_one_of(others)

    def close(self) -> None:
        """Close the sessions."""
        self._sessions.close()
