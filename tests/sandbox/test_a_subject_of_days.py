"""A subject of days is served from folders of its own: no file of the engine changes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from warehouse.paths import PROJECT_ROOT

FEED = """
from datetime import date

from ingestion.feeds import Feed, Subject, columns
from ingestion.fetch.http_publisher import HttpPublisher


class Shop(HttpPublisher):
    name = "shop"
    default_base_url = "https://shop.example"

    def read(self, partition, path, connection):
        raise NotImplementedError


SUBJECT = Subject(
    name="toys",
    feeds=(
        Feed(
            name="toy_sales",
            publisher=Shop(),
            raw_table="toy_sales",
            file_names=("{period:%Y/%m/%Y-%m-%d}.csv",),
            columns=columns("sold_at:t price:d"),
            event_time="sold_at",
            first_day=date(2025, 1, 3),
            publication_lag_days=1,
            kind="sale",
            staging_model="stg_toys__sales",
            kept_in="fct_toy_sales",
            GRAIN,
        ),
    ),
)
"""

STAND_IN = """
from sandbox.broken_csvs import CSV
from sandbox.stand_ins import FileStandIn


class Shop(FileStandIn):
    name = "shop"
    path = "shop"
    feeds = ("toy_sales",)
    file_format = CSV
    has_listing = True

    def write(self, partition, path, *, rows, revision):
        day = partition.period.start
        path.write_text("sold_at,price\\n" + "".join(f"{day},{n}.{revision}\\n" for n in range(rows)))


STAND_INS = (Shop(),)
"""

MONTHS = ("--from", "2025-01", "--to", "2025-02")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a feed of days beside the subjects that it has."""
    root = tmp_path_factory.mktemp("project")
    for package in ("ingestion", "sandbox", "warehouse"):
        shutil.copytree(PROJECT_ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    _add(root / "ingestion", "from warehouse.periods import Grain\n" + FEED.replace("GRAIN", "grain=Grain.DAY"))
    _add(root / "sandbox", STAND_IN)
    return root


def _add(package: Path, content: str) -> None:
    (package / "toys").mkdir()
    (package / "toys" / "__init__.py").write_text(content)


def _write(project: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sandbox", "write", "--rows", "5", "--folder", str(folder), *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


@contextmanager
def _served(project: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """The addresses that the server prints."""
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", "--rows", "5", *arguments]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        addresses: dict[str, str] = {}
        while "SOURCES__SHOP__BASE_URL" not in addresses:
            name, _, value = server.stdout.readline().strip().removeprefix("export ").partition("=")
            addresses[name] = value
        try:
            yield addresses
        finally:
            os.kill(server.pid, signal.SIGTERM)


def _get(address: str) -> requests.Response:
    return requests.get(address, timeout=10)


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [("2025-01", "2025-02", 29 + 28), ("2025-01-30", "2025-02-01", 3), ("2025-01-03", "2025-01-03", 1)],
)
def test_all_days_that_are_asked_for_are_written(
    project: Path, tmp_path: Path, first: str, last: str, count: int
) -> None:
    done = _write(project, tmp_path, "--feeds", "toy_sales", "--from", first, "--to", last)
    assert done.returncode == 0, done.stderr
    written = list(tmp_path.rglob("*.csv"))
    assert len(written) == len(done.stdout.splitlines()) == count
    assert (tmp_path / f"shop/{last[:4]}/{last[5:7]}").is_dir()


def test_days_and_months_are_asked_for_together(project: Path, tmp_path: Path) -> None:
    done = _write(project, tmp_path, "--feeds", "toy_sales,green", "--from", "2025-01-30", "--to", "2025-02-01")
    assert done.returncode == 0, done.stderr
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.is_file()) == [
        "shop/2025/01/2025-01-30.csv",
        "shop/2025/01/2025-01-31.csv",
        "shop/2025/02/2025-02-01.csv",
        "trip-data/green_tripdata_2025-01.parquet",
        "trip-data/green_tripdata_2025-02.parquet",
    ]


def test_a_time_before_the_first_day_is_refused(project: Path, tmp_path: Path) -> None:
    done = _write(project, tmp_path, "--feeds", "green,toy_sales", "--from", "2025-01-01", "--to", "2025-01-02")
    assert done.returncode == 2
    assert "toy_sales has no file from 2025-01-01 to 2025-01-02: its first day is 2025-01-03" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_publisher_of_days_is_served_listed_and_broken(project: Path) -> None:
    faults = ("--fault", "toy_sales:2025-01-04:wrong-types", "--fault", "toy_sales:2025-01-05:missing-column")
    with _served(project, *MONTHS, *faults) as addresses:
        shop = addresses["SOURCES__SHOP__BASE_URL"]
        assert {"SOURCES__TLC__BASE_URL", "SOURCES__FLAT_FILES__ENDPOINT_URL"} <= set(addresses), (
            "those of the other publishers are printed, too"
        )
        assert _get(f"{shop}/2025/01/2025-01-02.csv").status_code == 403
        assert _get(f"{shop}/2025/03/2025-03-01.csv").status_code == 403
        whole = _get(f"{shop}/2025/01/2025-01-03.csv")
        assert whole.text.splitlines()[:2] == ["sold_at,price", "2025-01-03 00:00:00,0.0"]
        assert whole.headers["Last-Modified"] == "Sun, 05 Jan 2025 12:00:00 GMT"
        assert _get(f"{shop}/2025/01/2025-01-04.csv").text.splitlines()[3] == "yesterday at noon,2.0"
        assert _get(f"{shop}/2025/01/2025-01-05.csv").text.startswith("sold_at_renamed,price\n2025")
        listing = _get(f"{shop}?list-type=2").text
        assert listing.count("<Key>") == 29 + 28
        assert "<Key>2025/02/2025-02-28.csv</Key>" in listing


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("toy_sales:2025-01:html", "expected a day as YYYY-MM-DD, such as 2025-01-03, but got '2025-01'"),
        ("toy_sales:2025-01-03:zip-bomb", "toy_sales cannot be broken by zip-bomb: expected one of truncated, html"),
    ],
)
def test_faults_of_days_are_checked(project: Path, fault: str, message: str) -> None:
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", *MONTHS, "--fault", fault]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr
