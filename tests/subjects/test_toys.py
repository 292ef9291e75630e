"""A trip feed is added in two steps, a subject of days without touching the engine. Commands run as users run them."""

import difflib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.server import SamplePublisher
from tests.subjects.project_copy import ProjectCopy, served
from warehouse.paths import PROJECT_ROOT
from warehouse.periods import month

HERE = Path(__file__).parent
ENTRY = HERE / "toy_trip_feed/entry.txt"
GENERATED = "dbt/macros/catalog.sql"

# What each partition of a feed or fact was loaded or built from, and when, by asset and key.
Watermarks = dict[tuple[str, str], tuple[Any, ...]]


@pytest.fixture(scope="module")
def _built(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    """The project as it is, with January and February of 2025 loaded and built."""
    project = ProjectCopy(tmp_path_factory.mktemp("project"))
    with SamplePublisher(month(2025, 1), month(2025, 2), rows=200) as publisher:
        project.environment |= publisher.environment
        project.nyc("load", "--from", "2025-01", "--to", "2025-02", "--sources", "yellow,citibike,weather")
    project.nyc("build", "--quiet", "--exclude-resource-type", "unit_test")
    return project


@pytest.fixture
def project(_built: ProjectCopy, tmp_path: Path) -> ProjectCopy:
    """A copy of the project as it is, with the warehouse that is built."""
    project = ProjectCopy(tmp_path / "project")
    shutil.copy(_built.database, project.database)
    return project


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which its files are."""
    folder = tmp_path / "published"
    folder.mkdir()
    with served(folder) as address:
        yield folder, address


def _watermarks(project: ProjectCopy, condition: str) -> Watermarks:
    """The ledger's watermarks of the assets for which a condition holds."""
    rows = project.query(f"from meta.asset_watermarks where {condition}")
    return {(row[0], row[1]): row[2:] for row in rows}


def _line_changes(project: ProjectCopy, path: str) -> tuple[list[str], list[str]]:
    """The lines that a file has lost in the copy, and those that it has gained."""
    original, changed = ((root / path).read_text().splitlines() for root in (PROJECT_ROOT, project.root))
    lines = list(difflib.unified_diff(original, changed, n=0, lineterm=""))[2:]
    return [line[1:] for line in lines if line[0] == "-"], [line[1:] for line in lines if line[0] == "+"]


# What no trip and no toy is in. It is built once, for the release.
OTHERS = ("--exclude", "path:models/*/markets", "path:models/*/telemetry")


# A trip feed


def _write_water_taxis(folder: Path, first: date) -> None:
    """A month of trips: three, and one that ends before it begins."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
                select
                    timestamp '{first}' + to_hours(8 + n) as pickup_datetime,
                    timestamp '{first}' + to_hours(8 + n) + to_minutes(if(n = 3, -20, 20)) as dropoff_datetime,
                    132::int as "PULocationID",
                    4::int as "DOLocationID",
                    2.5 + n as trip_miles,
                    10.0 as base_passenger_fare,
                    'Manhattan' as boat
                from range(4) as trips (n)
            ) to '{folder}/water_tripdata_{first:%Y-%m}.parquet'
            """
        )


def _add_entry(project: ProjectCopy) -> None:
    """The first step: an entry at the end of the publisher's feeds."""
    module = project.root / "ingestion/mobility/tlc.py"
    feeds, end = module.read_text(), ")\n"
    assert feeds.endswith("    ),\n" + end)
    module.write_text(feeds.removesuffix(end) + ENTRY.read_text() + end)


def test_a_trip_feed_is_an_entry_and_a_staging_model(project: ProjectCopy, publisher: tuple[Path, str]) -> None:
    before = _watermarks(project, "true")
    _add_entry(project)
    project.overlay(HERE / "toy_trip_feed/overlay")
    assert "water_taxi.boat" in project.nyc("catalog")
    # An entry, a staging model with its description, and what the catalog writes.
    staging = "dbt/models/staging/mobility"
    assert project.changed_files() == {
        "ingestion/mobility/tlc.py",
        f"{staging}/tlc/stg_tlc__water_taxi.sql",
        f"{staging}/tlc/stg_tlc__water_taxi.yml",
        GENERATED,
        f"{staging}/_mobility__sources.yml",
    }
    for path in ("ingestion/mobility/tlc.py", GENERATED):
        removed, added = _line_changes(project, path)
        assert (removed, len(added)) == ([], len(ENTRY.read_text().splitlines()) if path.endswith(".py") else 14)

    folder, address = publisher
    for first in (date(2025, 1, 1), date(2025, 2, 1)):
        _write_water_taxis(folder, first)
    project.environment["SOURCES__TLC__BASE_URL"] = address
    project.nyc("load", "--from", "2025-01", "--to", "2025-02", "--sources", "water")
    project.nyc("build", "--quiet", "--exclude-resource-type", "unit_test", *OTHERS)

    assert project.query("select trip_id, trip_type from core_core.fct_trips where feed = 'water' order by all") == [
        (7 * 10**15 + stamp * 10**9 + row, "water_taxi") for stamp in (202501, 202502) for row in range(3)
    ]
    assert project.query(
        "select trip_id, reason from core_core.quarantined_trips where feed = 'water' order by all"
    ) == [(7 * 10**15 + stamp * 10**9 + 3, "dropoff_before_pickup") for stamp in (202501, 202502)]
    reconciled = "select partition_key, published, kept, quarantined, lost, is_built from core_checks.reconciliation"
    assert project.query(f"{reconciled} where feed = 'water' order by all") == [
        (key, 4, 3, 1, 0, True) for key in ("2025-01", "2025-02")
    ]
    after = _watermarks(project, "true")
    trips = {mark: built for mark, built in before.items() if mark[0] in ("fct_trips", "quarantined_trips")}
    assert {mark: after[mark] for mark in trips} == trips, "trips of other feeds were built again"

    answer = project.nyc(
        "query", "total_trips", "--by", "trip__trip_type", "--where", "trip__feed = 'water'", "--csv", "--live"
    )
    assert answer.splitlines()[-1] == "water_taxi,6"
    assets = project.run("-m", "dagster", "asset", "list", "-m", "orchestration", "--select", "key:raw_data/*")
    assert "raw_data/water_taxi" in assets.split()


# A subject of days

SHOP = HERE / "toys"
DAYS = [date(2025, 5, number) for number in range(1, 31) if date(2025, 5, number).weekday() < 5]
BROKEN, REPLACED = date(2025, 5, 14), date(2025, 5, 27)
ALL_DAYS = ("--from", "2025-05-01", "--to", "2025-05-31", "--sources", "shop")


def _write_sales(folder: Path, day: date, *, price: float = 5.0, columns: str = "sold_at,toy,price") -> None:
    """A day of sales: seven, and two that cannot be."""
    sales = [f"{day} {9 + n:02}:00:00,Bear,{price + n}" for n in range(7)]
    wrong = [f"{day + timedelta(days=3)} 09:00:00,Ball,5.0", f"{day} 18:00:00,Kite,"]
    path = folder / f"{day:%Y/%m}/sales-{day}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    # One that is replaced is a second younger each time, for that is all its server tells.
    last = path.stat().st_mtime if path.exists() else 1_700_000_000
    path.write_text("\n".join([columns, *sales, *wrong]) + "\n")
    os.utime(path, (last + 1, last + 1))


def _keys(days: list[date]) -> set[str]:
    return {f"toy_sales/{day}" for day in days}


def _mobility(project: ProjectCopy) -> tuple[dict[str, int], Watermarks]:
    """What mobility's tables hold, and what its partitions were loaded and built from, and when."""
    models = [path for path in (project.root / "dbt").rglob("*/mobility/**/*") if path.suffix in {".sql", ".csv"}]
    return project.contents({path.stem for path in models}), _watermarks(project, "asset not like '%toy%'")


def _rebuilt(project: ProjectCopy, before: Watermarks) -> set[str]:
    """The partitions of the fact of sales that were written since."""
    after = _watermarks(project, "asset = 'fct_toy_sales'")
    return {key for (asset, key), mark in after.items() if before.get((asset, key)) != mark}


def _gaps(project: ProjectCopy, status: int = 0) -> dict[str, str]:
    """What is wrong with days of May, by day."""
    found = json.loads(project.nyc("gaps", *ALL_DAYS, "--json", status=status))
    return {gap["period"]: gap["state"] for gap in found if gap["gaps"]}


def _lay_over(project: ProjectCopy) -> None:
    """Add the subject's folders. Nothing else differs then but the catalog, which has the subject besides."""
    project.overlay(SHOP)
    assert "not described yet" not in project.nyc("catalog")
    files = {path.relative_to(SHOP).as_posix() for path in SHOP.rglob("*.*") if path.parent.name != "__pycache__"}
    assert all("toys" in path.split("/") for path in files)
    assert project.changed_files() == {*files, "dbt/models/staging/toys/_toys__sources.yml", GENERATED}
    assert _line_changes(project, GENERATED)[0] == []


def _run_daily_job(project: ProjectCopy) -> None:
    """Dagster loads all days of May, builds and validates."""
    config = project.root / "config.yaml"
    days = '{from: "2025-05-01", to: "2025-05-30", sources: toy_sales}'
    config.write_text(f"ops: {{daily_dlt_ingestion: {{config: {days}}}}}")
    project.run("-m", "dagster", "job", "execute", "-m", "orchestration", "-j", "daily_ingestion", "-c", str(config))


def test_a_subject_of_days_is_folders_of_its_own(project: ProjectCopy, publisher: tuple[Path, str]) -> None:
    mobility = _mobility(project)
    assert {"fct_trips", "dim_date", "stg_tlc__yellow_taxi"} <= {name.split(".")[1] for name in mobility[0]}
    _lay_over(project)
    folder, project.environment["SOURCES__TOY_SHOP__BASE_URL"] = publisher

    # The end of May, of which one day is broken.
    for day in DAYS:
        _write_sales(folder, day, columns="sold_at,toy,cost" if day == BROKEN else "sold_at,toy,price")
    project.nyc("load", "--from", "2025-05-12", "--to", "2025-05-30", "--sources", "shop", status=1)
    # Dagster's job is the one that runs the data tests, on all days.
    project.nyc("build", "--quiet", "--exclude-resource-type", "unit_test", "test", *OTHERS)
    loaded = [day for day in DAYS if day.day >= 12 and day != BROKEN]
    assert _rebuilt(project, {}) == _keys(loaded)

    # The broken day, one that the shop has replaced, and the days before. Weekends are no gaps.
    missing = [day for day in DAYS if day not in loaded]
    _write_sales(folder, BROKEN)
    _write_sales(folder, REPLACED, price=6)
    assert _gaps(project, status=3) == {**{str(day): "missing" for day in missing}, str(REPLACED): "replaced"}
    before = _watermarks(project, "true")
    _run_daily_job(project)
    assert _rebuilt(project, before) == _keys([*missing, REPLACED])
    assert _gaps(project) == {}
    sales = "select count(*), count(distinct source_date), sum(price) from core_toys.fct_toy_sales"
    assert project.query(sales) == [(7 * len(DAYS), len(DAYS), 7 * (8 * len(DAYS) + 1))]

    # A backfill of days builds these days.
    before, held = _watermarks(project, "true"), project.contents({"fct_toy_sales", "quarantined_toy_sales"})
    window = json.dumps({"backfill_start_date": "2025-05-10", "backfill_end_date": "2025-05-20"})
    project.nyc("build", "--quiet", "--select", "config.materialized:replace_partitions", "--vars", window)
    assert _rebuilt(project, before) == _keys([day for day in DAYS if 10 <= day.day <= 20])
    assert project.contents({"fct_toy_sales", "quarantined_toy_sales"}) == held

    _check_reports(project)
    assert _mobility(project) == mobility


def _check_reports(project: ProjectCopy) -> None:
    """Great Expectations, the release, its metrics and the reports know the subject."""
    checks = json.loads(project.nyc("check", "--no-docs", "--json", "--select", "fct_toy_sales,reconciliation"))
    assert {(check["suite"], check["passed"]) for check in checks} == {
        ("fct_toy_sales", True),
        ("reconciliation", True),
    }
    project.nyc("publish")
    by_month = project.nyc("query", "toys_sold", "--by", "metric_time__month,sale__toy", "--csv").splitlines()[1:]
    assert by_month == [f"2025-05-01 00:00:00,Bear,{7 * len(DAYS)}"]
    assert ["toy_sales", str(9 * len(DAYS)), str(7 * len(DAYS)), str(2 * len(DAYS)), "0", "0"] in [
        line.split() for line in project.nyc("summary").splitlines()
    ]
    assert "toys" in project.nyc("health")
    rejected = json.loads(project.nyc("quarantine", "--json"))
    assert {(each["reason"], each["rows"], each["is_tolerated"]) for each in rejected if each["subject"] == "toys"} == {
        ("no_price", 1, True),
        ("sold_on_another_day", 1, True),
    }
