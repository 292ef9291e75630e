"""Publishers that answer questions with JSON, in pages. A partition is all pages of its answers, as one file."""

import threading
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from ingestion.errors import NotPublishedError, UnreadableFileError, load_again
from ingestion.fetch.answers import AnswerRules
from ingestion.fetch.exchange import Exchange
from ingestion.fetch.keys import KeyNames, keys_from_environment
from ingestion.fetch.part_file import PartFile
from ingestion.fetch.questions import Asker, Conversation, Paging
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.fetch.session_pool import SessionPool
from ingestion.fetch.settings import address_setting
from ingestion.fetch.watched_session import WatchedSession
from ingestion.partitions import Partition
from ingestion.publishers import Downloaded, Progress, Publisher, Visit
from ingestion.readers.pages import page_line
from warehouse.ledger import Fingerprint
from warehouse.secrets import without_secrets


class ApiPublisher(AnswerRules, Publisher):
    """A publisher whose partitions are answers to questions.

    The base address is the setting `sources.<name>.base_url`, or `default_base_url`. `paging` says how answers are
    paged. `key_headers` are the headers that the keys of `key_names` go into, where it has keys. What its answers mean
    is in the methods of AnswerRules.
    """

    default_base_url: ClassVar[str]
    paging: ClassVar[Paging] = Paging()
    key_names: ClassVar[KeyNames | None] = None
    key_headers: ClassVar[tuple[str, str]] = ("", "")
    largest_bytes = 1_000_000_000

    @abstractmethod
    def availability(self, partition: Partition) -> Conversation:
        """Find out whether the API has the partition now, by as few questions as that takes.

        Raises:
            NotPublishedError: it does not, or no longer.
        """

    @abstractmethod
    def conversation(self, partition: Partition) -> Conversation:
        """Ask for the partition. Every page of every answer goes into its file.

        Raises:
            NotPublishedError: there is nothing of it (yet).
            UnreadableFileError: an answer is not what was asked for.
        """

    @abstractmethod
    def hash_of(self, partition: Partition, path: Path) -> str:
        """A hash of what the file says of the partition: the same however it is paged.

        Raises:
            UnreadableFileError: an answer is not what was asked for.
        """

    def is_had_once(self, partition: Partition) -> bool:
        """Whether what is loaded of the partition cannot be had again, and so is not asked for again."""
        return False

    def base_address(self) -> str:
        """The address that questions go to, without a slash at its end."""
        return address_setting(self.name, "base_url", self.default_base_url)

    def headers(self) -> dict[str, str]:
        """The headers with the keys.

        Raises:
            SettingError: a key is missing, or cannot be one.
        """
        if self.key_names is None:
            return {}
        keys = keys_from_environment(self.key_names, self.base_address())
        return dict(zip(self.key_headers, (keys.access, keys.secret), strict=True))

    def text(self, start: str) -> str:
        """What an answer says of its reason, without the keys."""
        text = super().text(start)
        for key in self.headers().values():
            text = text.replace(key, "…")
        return text

    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> "ApiVisit":
        """Begin a visit; which partitions it is for does not matter."""
        return ApiVisit(self, policy)


class ApiVisit(Visit):
    """A visit to an API. Its sessions are used again, so that many questions need few connections."""

    def __init__(self, publisher: ApiPublisher, policy: RetryPolicy) -> None:
        self._publisher = publisher
        self._policy = policy
        self._sessions = SessionPool()

    def ask(self, partition: Partition) -> Fingerprint | None:
        """Where the partition would be asked for; None where it cannot be had now. An API gives no marks."""
        with self._sessions.borrowed() as session:
            asker = self._asker(partition, session, threading.Event())
            try:
                for _ in _lines(self._publisher.availability(partition), asker):
                    pass
            except NotPublishedError:
                return None
        return Fingerprint(url=self._address(partition))

    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        """Ask all questions, and write the answers into one file."""
        publisher = self._publisher
        if known is not None and publisher.is_had_once(partition):
            return None
        address, again = self._address(partition), load_again(partition.feed.grain)
        with self._sessions.borrowed() as session:
            asker = self._asker(partition, session, cancelled)
            file = PartFile(folder, Exchange(address, "the answers", again, session, self._policy, cancelled))
            try:
                for line in _lines(publisher.conversation(partition), asker):
                    with file.opened() as write:
                        write(line)
                    self._refuse_if_too_large(file, address, again)
                    progress(file.received, None)
                content_hash = publisher.hash_of(partition, file.part)
                if known is not None and known.content_hash == content_hash:
                    return None
                return Downloaded(file.finish(), Fingerprint(url=address, content_hash=content_hash), file.received)
            finally:
                file.discard()

    def close(self) -> None:
        """Close the sessions."""
        self._sessions.close()

    def _asker(self, partition: Partition, session: WatchedSession, cancelled: threading.Event) -> Asker:
        publisher = self._publisher
        again = load_again(partition.feed.grain)
        return Asker(publisher, publisher.paging, publisher.headers(), session, self._policy, cancelled, again)

    def _address(self, partition: Partition) -> str:
        return without_secrets(self._publisher.locate(partition)[0])

    def _refuse_if_too_large(self, file: PartFile, address: str, again: str) -> None:
        if file.received > (most := self._publisher.largest_bytes):
            raise UnreadableFileError(
                f"{address}: expected answers of at most {most:,} bytes, but there are more. "
                f"Look at the publisher's page, and {again} when that is repaired."
            )


def _lines(conversation: Conversation, asker: Asker) -> Iterable[bytes]:
    """Have a conversation, and give each page that came as a line of the file."""
    try:
        question = next(conversation)
        while True:
            pages = []
            for number, answered in enumerate(asker.pages(question), 1):
                yield page_line(question.kind, question.about, question.parameters, number, answered.body)
                pages.append(answered.page)
            question = conversation.send(pages)
    except StopIteration:
        return
