"""What a subject declares to be served: a stand-in for each of its publishers.

A subject's folder has `STAND_INS = (…)` in its `__init__.py`. A publisher of one CSV a day needs this much:

    class Toys(FileStandIn):
        name = "toys"                # the address goes to SOURCES__TOYS__BASE_URL
        path = "toys"                # and is http://127.0.0.1:PORT/toys
        feeds = ("toy_sales",)
        file_format = CSV            # says how its files can break

        def write(self, partition, path, *, rows, revision):
            path.write_text(…)
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from ingestion.partitions import Partition
from sandbox.broken_files import FileFormat
from sandbox.faults import BUCKET_FAULTS, PAGE_FAULTS, TABLE_FAULTS, Fault

# A query string as `urllib.parse.parse_qs` reads it.
Query = Mapping[str, Sequence[str]]


class StandIn(ABC):
    """Stands in for one publisher.

    `name` is that of the publisher's settings (`sources.<name>.base_url`). `path` is where it is below the server's
    address. `feeds` are the names of the feeds that it serves. `has_setting` is false for a folder that is found from
    another one's address.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    feeds: ClassVar[tuple[str, ...]]
    has_setting: ClassVar[bool] = True

    def settings(self, url: str) -> dict[str, str]:
        """The environment variables that make the platform read from here, where the server's address is `url`."""
        return {f"SOURCES__{self.name.upper()}__BASE_URL": f"{url}/{self.path}"} if self.has_setting else {}

    @property
    @abstractmethod
    def faults(self) -> frozenset[Fault]:
        """What can be wrong with its bodies; every stand-in can also have a bad connection."""


class FileStandIn(StandIn):
    """Serves files as an object store does: a file a partition, or an archive of several.

    `has_listing` says whether it lists its files at its address.
    """

    file_format: ClassVar[FileFormat]
    has_listing: ClassVar[bool] = False

    @property
    def faults(self) -> frozenset[Fault]:
        return self.file_format.faults

    def file_name(self, partition: Partition) -> str:
        """The name of the partition's own file."""
        return partition.feed.file_names[0].format(period=partition.period.start)

    def published_name(self, partition: Partition) -> str:
        """The name of the file that has the partition; partitions of one name share an archive."""
        return self.file_name(partition)

    def row_count(self, partition: Partition, *, rows: int, revision: int = 0) -> int:
        """The rows of the partition's file where `rows` are asked for. Override it where feeds differ in size."""
        return rows + 7 * revision

    def has_file(self, partition: Partition) -> bool:
        """Whether there is a file of a period that the feed's calendar has."""
        return True

    @abstractmethod
    def write(self, partition: Partition, path: Path, *, rows: int, revision: int) -> None:
        """Write the partition's own file.

        The bytes depend on the arguments alone. Another `revision` is the file as replaced by its publisher, with
        other values. `rows` is as in `row_count`.
        """

    def write_archive(self, partitions: Sequence[Partition], path: Path, *, rows: int, revision: int) -> None:
        """Write the archive of these partitions, where they are not published as files of their own."""
        raise NotImplementedError(f"{self.name} has no archives")


class BucketStandIn(FileStandIn):
    """Serves files as objects in a bucket of S3, to whoever signs with its keys; `path` is the bucket's name.

    `key_variables` are the environment variables that hold the keys.
    """

    key_variables: ClassVar[tuple[str, str]]
    keys: ClassVar[tuple[str, str]] = ("sandbox-key-id", "sandbox-secret-key")
    has_listing = True

    def settings(self, url: str) -> dict[str, str]:
        keys = dict(zip(self.key_variables, self.keys, strict=True))
        return {f"SOURCES__{self.name.upper()}__ENDPOINT_URL": url, **keys}

    @property
    def faults(self) -> frozenset[Fault]:
        return self.file_format.faults | BUCKET_FAULTS


class ApiStandIn(StandIn):
    """Answers queries with JSON, for one feed."""

    @abstractmethod
    def day_asked(self, query: Query) -> date | None:
        """The first day that a query asks for; None where it does not say."""

    @abstractmethod
    def answer(self, query: Query, available_until: date) -> tuple[int, bytes]:
        """The status and body for a query. `available_until` is the day after the last period published."""

    @abstractmethod
    def broken_answer(self, status: int, body: bytes, fault: Fault) -> tuple[int, bytes]:
        """The same status and body with something wrong in them."""


@dataclass(frozen=True)
class Call:
    """What an API of pages is asked: a path below its address, and the query without the page's token."""

    path: str
    query: Query
    token: str = ""

    def value(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return self.query[name][-1] if name in self.query else default


@dataclass(frozen=True)
class Reply:
    """A page of an API: the status, and what is written as JSON. `next_token` asks for the next page."""

    status: int
    page: dict[str, Any]
    next_token: str | None = None


class PagedApiStandIn(StandIn):
    """Answers calls below its address with pages of JSON, to whoever has its keys; for several feeds of days.

    `key_variables` are the environment variables that hold the keys, `key_headers` the headers that they come in.
    `token_parameter` and `token_field` are how pages are asked for and named.
    """

    key_variables: ClassVar[tuple[str, str]]
    key_headers: ClassVar[tuple[str, str]]
    keys: ClassVar[tuple[str, str]] = ("sandbox-key-id", "sandbox-secret-key")
    token_parameter: ClassVar[str] = "page_token"
    token_field: ClassVar[str] = "next_page_token"

    def settings(self, url: str) -> dict[str, str]:
        return super().settings(url) | dict(zip(self.key_variables, self.keys, strict=True))

    @property
    def faults(self) -> frozenset[Fault]:
        return TABLE_FAULTS | PAGE_FAULTS

    @abstractmethod
    def asked(self, call: Call, available_until: date) -> tuple[str, date] | None:
        """The feed and the day that a call is for; None where it is for none."""

    @abstractmethod
    def answer(self, call: Call, available_until: date) -> Reply:
        """The page for a call. `available_until` is the day after the last one published."""

    @abstractmethod
    def refused(self, fault: Fault | None) -> Reply:
        """The answer to whoever has not the right keys, or asks for what the subscription does not cover."""

    @abstractmethod
    def broken_page(self, call: Call, page: dict[str, Any], fault: Fault) -> dict[str, Any]:
        """The same page with something wrong in its records."""
