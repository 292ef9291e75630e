"""A small API of pages on a local port, that answers what a test says; and a feed of days that reads from it."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb

from ingestion.errors import NotPublishedError
from ingestion.feeds import Feed, columns
from ingestion.fetch.api_publisher import ApiPublisher
from ingestion.fetch.keys import KeyNames
from ingestion.fetch.questions import Conversation, Paging, Question
from ingestion.fetch.retries import RetryPolicy
from ingestion.partitions import Partition
from ingestion.readers.pages import read_pages
from ingestion.readers.published import PublishedRows
from ingestion.readers.published_file import PublishedFile
from ingestion.readers.records import Record, read_records
from warehouse.periods import Grain

QUICK = RetryPolicy(first_wait_seconds=0.01, longest_wait_seconds=0.02, jitter_seconds=0.01, read_timeout_seconds=10)


@dataclass(frozen=True)
class Call:
    """A request: its path, its parameters, and its headers."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """An answer. A body that is no text is written as JSON."""

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Api(ThreadingHTTPServer):
    """Answers each call by what `reply` makes of it. `calls` are those that came."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, reply: Callable[[Call], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.calls: list[Call] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Api

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        call = Call(address.path, query, {name.title(): value for name, value in self.headers.items()})
        self.server.calls.append(call)
        reply = self.server.reply(call)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.content)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def served(reply: Callable[[Call], Reply]) -> Iterator[Api]:
    """An API that answers so."""
    with Api(reply) as api:
        threading.Thread(target=api.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield api
        finally:
            api.shutdown()


class Prices(ApiPublisher):
    """Asks for the items of a day, and reads them. The ones of the first of May are not there."""

    name = "test_api"
    default_base_url = "http://127.0.0.1:1"
    paging = Paging(most_pages=50, largest_page_bytes=100_000)
    key_names = KeyNames("TEST_API_KEY", "TEST_API_SECRET")
    key_headers = ("X-Key", "X-Secret")
    largest_bytes = 1_000_000

    def locate(self, partition: Partition) -> list[str]:
        return [f"{self.base_address()}/items?day={partition.key}"]

    def availability(self, partition: Partition) -> Conversation:
        if partition.period.first_day == date(2025, 5, 1):
            raise NotPublishedError(f"{partition}: not published (yet)")
        yield from ()

    def conversation(self, partition: Partition) -> Conversation:
        yield from self.availability(partition)
        yield Question("items", "the items", f"{self.base_address()}/items", {"day": partition.key})

    def hash_of(self, partition: Partition, path: Path) -> str:
        return json.dumps(list(self._records(PublishedFile(partition, path))))

    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        file = PublishedFile(partition, path, called=str(partition))
        return read_records(file, self._records(file), connection)

    def _records(self, file: PublishedFile) -> Iterator[Record]:
        for page in read_pages(file):
            yield from page.answer["items"]


PRICES = Feed(
    name="test_prices",
    publisher=Prices(),
    raw_table="test_prices",
    file_names=("",),
    columns=columns("ticker:s price:d sold_at:t", "size:b on_day:date"),
    event_time="sold_at",
    first_day=date(2025, 1, 1),
    publication_lag_days=1,
    kind="price",
    staging_model="",
    kept_in="",
    grain=Grain.DAY,
)


def day(number: int) -> Partition:
    """The partition of a day of May 2025."""
    return Partition(PRICES, PRICES.period(f"2025-05-{number:02}"))


def fetched(partition: Partition, columns: str, policy: RetryPolicy = QUICK) -> tuple[list[Any], str | None]:
    """What a partition has, fetched and read without a warehouse; and the note on it."""
    publisher = partition.feed.publisher
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        visit = publisher.visit([partition], policy)
        try:
            file = visit.fetch(partition, Path(folder), threading.Event(), known=None, progress=lambda *_: None)
        finally:
            visit.close()
            assert [path.suffix for path in Path(folder).iterdir()] in ([], [""]), "something is left of a failure"
        assert file is not None
        published = publisher.read(partition, file.path, connection)
        rows = connection.execute(f"select {columns} from ({published.query}) order by source_row").fetchall()
        assert len(rows) == published.count
        return rows, published.note
