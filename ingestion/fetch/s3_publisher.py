"""Publishers whose files are objects in a bucket of S3, or of a store that speaks like it."""

import logging
import os.path
import re
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from ingestion.errors import DownloadError, NotPublishedError, load_again
from ingestion.fetch.answers import AnswerRules
from ingestion.fetch.bucket_listing import list_bucket
from ingestion.fetch.download import download
from ingestion.fetch.file_addresses import file_address, registered_names
from ingestion.fetch.keys import KeyNames, keys_from_environment
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.fetch.session_pool import SessionPool
from ingestion.fetch.settings import address_setting, setting
from ingestion.fetch.signing import Signer
from ingestion.fetch.watched_session import WatchedSession
from ingestion.partitions import Partition
from ingestion.publication import is_same_file
from ingestion.publishers import Downloaded, Progress, Publisher, Visit
from warehouse.ledger import Fingerprint

logger = logging.getLogger(__name__)

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,60})</Code>")
_OTHER_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed"}
_WRONG_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"}


class S3AnswerRules(AnswerRules):
    """What the answers of S3 mean. Of an error only its code is ever shown: the rest may have keys in it."""

    name: ClassVar[str]
    key_names: ClassVar[KeyNames]
    follows_redirects = False

    def advice(self, status: int, text: str) -> str:
        """What to do: a store answers so to whoever asks for a bucket of another region."""
        if 300 <= status < 400 or text in _OTHER_REGION:
            setting = f"SOURCES__{self.name.upper()}__"
            return f"The bucket is elsewhere: set {setting}ENDPOINT_URL and {setting}REGION to where it is."
        return super().advice(status, text)

    def text(self, start: str) -> str:
        """The code of an error, such as NoSuchKey."""
        found = _CODE.search(start)
        return found[1] if found else ""

    def is_not_published(self, status: int, text: str) -> bool:
        """Whether there is no such object (yet)."""
        return status == 404 and text in ("", "NoSuchKey")

    def refusal(self, status: int, text: str) -> str | None:
        """Why whoever has these keys does not get an object."""
        if text in _WRONG_KEYS:
            return f"the publisher does not know these keys ({text}). Check {self.key_names}."
        if text == "RequestTimeTooSkewed":
            return f"the publisher's clock differs from this machine's ({text}). Set the clock, then ask again."
        if status not in (401, 403):
            return None
        why = f"{status} {text}".strip()
        return (
            f"the publisher does not give it to these keys ({why}): it is outside their subscription, or an agreement "
            f"is not signed. Ask the publisher for it, check {self.key_names}, or leave it out."
        )


class S3Publisher(S3AnswerRules, Publisher):
    """A publisher whose files are objects in a bucket, under the `file_names` of its feeds.

    The endpoint is the setting `sources.<name>.endpoint_url`, or `default_endpoint_url`; the region is
    `sources.<name>.region`, or `us-east-1`, which stores other than Amazon's take. The keys are in the environment
    alone, under `key_names`.
    """

    bucket: ClassVar[str]
    default_endpoint_url: ClassVar[str]
    default_region: ClassVar[str] = "us-east-1"
    has_listing = True

    def bucket_address(self) -> str:
        """The address of the bucket, without a slash at its end."""
        return f"{address_setting(self.name, 'endpoint_url', self.default_endpoint_url)}/{self.bucket}"

    def session(self) -> WatchedSession:
        """A session whose requests are signed.

        Raises:
            SettingError: a key is not set.
        """
        keys = keys_from_environment(self.key_names, self.bucket_address())
        session = WatchedSession()
        session.auth = Signer(keys, setting(self.name, "region", self.default_region))
        return session

    def locate(self, partition: Partition) -> list[str]:
        """The addresses at which a partition's object may be, by the names that its feed declares."""
        bucket = self.bucket_address()
        return [file_address(bucket, name) for name in registered_names(partition)]

    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> "S3Visit":
        """Begin a visit for these partitions."""
        return S3Visit(self, partitions, policy)


class S3Visit(Visit):
    """A visit to a bucket.

    Each feed's part of it is listed once, when first needed. The listing says which objects there are, and which of
    them are the known ones, so that only new ones are asked for.
    """

    def __init__(self, publisher: S3Publisher, partitions: Iterable[Partition], policy: RetryPolicy) -> None:
        self._publisher = publisher
        self._policy = policy
        self._sessions = SessionPool(publisher.session)
        names: dict[str, list[str]] = defaultdict(list)
        for partition in partitions:
            names[partition.feed.name] += registered_names(partition)
        # What the keys have in common: of days of one month that is the month. Letter by letter: these are not paths.
        self._prefixes = {feed: os.path.commonprefix(of_feed) for feed, of_feed in names.items()}  # noqa: RUF071
        self._listed: dict[str, dict[str, Fingerprint] | DownloadError] = {}
        self._lock = threading.Lock()

    def ask(self, partition: Partition) -> Fingerprint | None:
        """The object that a load would fetch, as it is listed."""
        with self._sessions.borrowed() as session:
            listed = self._listing(partition, session)
        if isinstance(listed, DownloadError):
            raise listed
        return self._named(partition, listed)

    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        """Fetch the object, unless it is not listed, or listed as the known one.

        Without a listing it is asked for all the same: the keys may be for objects alone.
        """
        with self._sessions.borrowed() as session:
            listed = self._listing(partition, session)
            if not isinstance(listed, DownloadError):
                found = self._named(partition, listed)
                if found is None:
                    raise NotPublishedError(f"{self._publisher.locate(partition)[0]}: not published (yet)")
                if known and known.etag and found.etag and is_same_file(known, found):
                    return None
            return download(
                self._publisher.locate(partition),
                folder,
                session,
                known=known,
                progress=progress,
                rules=self._publisher,
                again=load_again(partition.feed.grain),
                policy=self._policy,
                cancelled=cancelled,
            )

    def close(self) -> None:
        """Close the sessions."""
        self._sessions.close()

    def _named(self, partition: Partition, listed: dict[str, Fingerprint]) -> Fingerprint | None:
        return next((listed[name] for name in registered_names(partition) if name in listed), None)

    def _listing(self, partition: Partition, session: WatchedSession) -> dict[str, Fingerprint] | DownloadError:
        """What is listed of the partition's feed, or why there is no listing. It is asked for once."""
        feed = partition.feed.name
        with self._lock:
            if feed not in self._listed:
                try:
                    self._listed[feed] = list_bucket(
                        self._publisher.bucket_address(), self._prefixes[feed], session, self._publisher, self._policy
                    )
                except DownloadError as error:
                    logger.info("there is no listing of %s: %s", feed, error)
                    self._listed[feed] = error
            return self._listed[feed]
