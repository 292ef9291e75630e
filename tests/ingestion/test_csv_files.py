"""A feed of daily CSV files needs a publisher of three lines, and its values arrive as they were published."""

import gzip
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.feeds import Feed, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status, ingest
from ingestion.publishers import Publisher, Visits
from ingestion.readers.csv_files import CsvReader
from warehouse.periods import Grain, day

pytestmark = pytest.mark.usefixtures("made_tables")


class Toys(HttpPublisher):
    name = "toys"
    default_base_url = "http://127.0.0.1:9/toys"
    read = CsvReader()


class ToysOfR(Toys):
    read = CsvReader(null_words=("", "NA"))


def feed_of(publisher: Publisher) -> Feed:
    return Feed(
        name="toy_sales",
        publisher=publisher,
        raw_table="toy_sales",
        file_names=("{period:%Y}/{period:%m}/sales_{period:%Y-%m-%d}.csv", "sales_{period:%Y-%m-%d}.csv.gz"),
        columns=columns(required="toy:s sold_at:t pieces:i", optional="price:d made_on:date barcode:b"),
        event_time="sold_at",
        first_day=date(2025, 1, 1),
        publication_lag_days=1,
        kind="sale",
        staging_model="stg_toys__sales",
        kept_in="fct_sales",
        grain=Grain.DAY,
    )


SALES = feed_of(Toys())
SECOND, THIRD, FOURTH = (Partition(SALES, day(2025, 1, number)) for number in (2, 3, 4))
HEADER = "toy,sold_at,pieces,price,made_on,barcode\n"
GOOD = HEADER + "ball,2025-01-02 10:00:00,2,1.50,2024-12-24,9007199254740993\n"


class Shop(ThreadingHTTPServer):
    """Serves files by their paths, over connections that stay open."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.connections = 0
        self.asked: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Shop

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path))
        content = self.server.files.get(self.path)
        etag = f'"{hash(content)}"'
        is_known = content is not None and self.headers["If-None-Match"] == etag
        self.send_response(404 if content is None else 304 if is_known else 200)
        if content is not None:
            self.send_header("ETag", etag)
        sent = b"" if content is None or is_known else content
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(sent)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None: ...


Serve = Callable[..., Shop]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, database: Path) -> Iterator[Serve]:
    shops: list[Shop] = []

    def serve(**files: str | bytes) -> Shop:
        """Serve files of days, as `d02="…"`: text as plain CSV, bytes as a file of gzip."""
        content = {
            f"/toys/2025/01/sales_2025-01-{name[1:]}.csv" if isinstance(text, str)
            else f"/toys/sales_2025-01-{name[1:]}.csv.gz": text.encode() if isinstance(text, str) else text
            for name, text in files.items()
        }  # fmt: skip
        shop = Shop(content)
        threading.Thread(target=shop.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("SOURCES__TOYS__BASE_URL", f"http://127.0.0.1:{shop.server_address[1]}/toys")
        shops.append(shop)
        return shop

    yield serve
    for shop in shops:
        shop.shutdown()


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def failure(result: Result) -> str:
    """The message of a load that failed because of its file."""
    assert (result.status, result.is_transient) == (Status.FAILED, False)
    assert result.error
    assert len(result.error) < 600
    return result.error


def test_days_are_fetched_read_and_recorded(serve: Serve, database: Path) -> None:
    shop = serve(d02=GOOD, d03=gzip.compress(GOOD.replace("01-02", "01-03").encode()))
    results = ingest([SECOND, THIRD, FOURTH])
    assert [result.status for result in results] == [Status.LOADED, Status.LOADED, Status.NOT_PUBLISHED]
    assert query(database, "select * exclude (_dlt_load_id) from raw_data.toy_sales order by source_date") == [
        ("ball", datetime(2025, 1, number, 10), 2, 1.5, date(2024, 12, 24), 9007199254740993, "toy_sales",
         date(2025, 1, number), 0)
        for number in (2, 3)
    ]  # fmt: skip
    assert [result.status for result in ingest([SECOND, THIRD])] == [Status.UNCHANGED, Status.UNCHANGED]
    with Visits([SECOND, FOURTH]) as visits:
        shop.asked.clear()
        assert visits.to(SECOND).ask(SECOND) == results[0].fingerprint
        assert visits.to(FOURTH).ask(FOURTH) is None
    assert {method for method, _ in shop.asked} == {"HEAD"}


def test_many_files_need_few_connections(serve: Serve, database: Path) -> None:
    shop = serve(**{f"d{number:02}": GOOD for number in range(2, 12)})
    days = [Partition(SALES, day(2025, 1, number)) for number in range(2, 12)]
    assert {result.status for result in ingest(days)} == {Status.LOADED}
    assert len(shop.asked) == 10
    # As many as there are downloads at once.
    assert shop.connections <= 4


@pytest.mark.parametrize("toy", ["NA", "NAN", "NULL", "TRUE", "null", "007", "1e5", r"\N", " ", "a,b", 'say "hi"'])
def test_names_that_look_like_something_else_stay_what_they_are(serve: Serve, database: Path, toy: str) -> None:
    quoted = '"' + toy.replace('"', '""') + '"'
    serve(d02=HEADER + f"{quoted},2025-01-02,1,,,\n" + (f"{toy},2025-01-02,1,,,\n" if toy.isalnum() else ""))
    ingest([SECOND])
    assert {name for (name,) in query(database, "select toy from raw_data.toy_sales")} == {toy}


def test_what_a_publisher_writes_for_missing_is_an_option(serve: Serve, database: Path) -> None:
    serve(d02=HEADER + "ball,2025-01-02,NA,NA,NA,NA\n,2025-01-02,1,,,\n")
    assert "pieces" in failure(ingest([SECOND])[0])
    ingest([Partition(feed_of(ToysOfR()), SECOND.period)])
    assert query(
        database, "select toy, pieces, price, made_on, barcode from raw_data.toy_sales order by source_row"
    ) == [
        ("ball", None, None, None, None),
        (None, 1, None, None, None),
    ]


def test_a_column_that_is_not_declared_is_kept_and_told(serve: Serve, database: Path) -> None:
    serve(d02="Toy,Sold At,pieces,Colour\nball,2025-01-02 10:00:00,2,red\n")
    (result,) = ingest([SECOND])
    assert result.note == "kept columns that tests/ingestion/test_csv_files.py does not declare: colour (VARCHAR)"
    assert query(database, "select toy, colour, price from raw_data.toy_sales") == [("ball", "red", None)]


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (HEADER + "ball,2025-01-02,two,,,\n", "'two' in column pieces is not a whole number"),
        (HEADER + "ball,2025-01-02,2,,30/12/2024,\n", "'30/12/2024' in column made_on is not a date"),
        (HEADER + "ball,2025-01-02,2,,2025-02-30,\n", "'2025-02-30' in column made_on is not a date"),
        ("toy,pieces\nball,2\n", "sold_at is missing"),
        (HEADER + 'ball,2025-01-02,2,,,\n"ball,2025-01-02,2,,,\n', "expected "),
        (HEADER.replace("price", "toy") + "ball,2025-01-02,2,,,\n", "toy is there 2 times"),
        ("\x00" * 500, "it has zero bytes"),
    ],
)
def test_a_bad_file_is_refused_in_words_of_its_feed(serve: Serve, database: Path, content: str, came: str) -> None:
    serve(d02=content)
    message = failure(ingest([SECOND])[0])
    assert message.startswith("sales_2025-01-02.csv: expected ")
    assert re.search(came, message)
    assert "month" not in message
    assert "trip" not in message


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (gzip.compress(GOOD.encode() * 1000)[:-9], "expected a whole file of gzip"),
        (gzip.compress(GOOD.encode()) + b"more", "expected a whole file of gzip"),
        (gzip.compress(GOOD.encode() * 1000)[:100] + b"\xff" * 50, "expected a whole file of gzip"),
        (gzip.compress(b"0" * (101 << 20), 1), "at most 104,857,600 bytes when unpacked, but it has more"),
    ],
)
def test_what_gzip_cannot_unpack_is_refused(serve: Serve, database: Path, content: bytes, came: str) -> None:
    serve(d02=content)
    message = failure(ingest([SECOND])[0])
    assert came in message
    assert "oad the day again" in message
