"""Every page of the menu where little is loaded, or nothing: it says what to do, and shows nothing that is none."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from portal.frame import sections
from tests.dbt.small_warehouse import MARCH, Warehouse, ride
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from tests.portal.drawn import all_figures, values_of
from tests.warehouse.releases_by_hand import Contents, publish_by_hand
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.releases import Release, Releases

PAGES = [page.path for section in sections() for page in section.pages]

# What pages show that ask nothing by themselves.
QUESTIONS = {"metrics": {"metrics": "avg_fare,total_trips", "by": "metric_time__month"}}

# Filters that leave nothing, of what there is in any case.
NOTHING: Mapping[str, dict[str, str]] = {
    "demand": {"days": "Weekends and holidays"},
    "map": {"month": "2025-03", "zone": "132"},
    "metrics": {"metrics": "total_trips,avg_fare", "where": "trip__trip_type = 'rickshaw'"},
    "quarantine": {"feed": "fhv", "reason": "pickup_outside_source_month", "year": "2025"},
    "weather": {"days": "Weekends and holidays"},
}

NO_VALUE = re.compile(r"(?<![\w.'`-])(nan|None|NaT|inf|<NA>|null)(?![\w'`(-])")


def assert_nothing_is_none(page: AppTest) -> None:
    """No exception, no empty chart, and no text or cell that only a computer reads."""
    assert not page.exception
    assert "This page failed." not in texts(page)
    shown = [texts(page), *(f"{one.label} {one.value} {one.delta}" for one in page.metric)]
    for text in shown:
        assert not NO_VALUE.search(text.replace("\\", "")), text
    for figure in all_figures(page):
        axes = [axis for axis in ("x", "y", "z", "lat", "locations") if any(axis in one for one in figure["data"])]
        assert axes, "a chart without a trace"
        assert any(len(values_of(one, axis)) for one in figure["data"] for axis in axes if axis in one)
        assert not NO_VALUE.search(str(figure["layout"]))
    for table in page.dataframe:
        assert len(table.value), "a table without rows"
        missing = table.value.columns[table.value.isna().any()]
        # Streamlit would write None.
        assert missing.empty or table.proto.placeholder, f"None in {list(missing)}"
        assert not table.value.select_dtypes(["object", "string"]).isin(["nan", "None", "NaT", "inf"]).any(axis=None)
        assert not table.value.select_dtypes("number").isin([float("inf"), float("-inf")]).any(axis=None)


def assert_it_says_what_to_do(page: AppTest) -> None:
    """There is a command to copy."""
    assert any(line.startswith("nyc ") for code in page.code for line in code.value.splitlines()), texts(page)


@pytest.mark.parametrize("path", PAGES)
def test_without_a_database_it_says_how_to_load(database: Path, path: str) -> None:
    page = open_page(path, QUESTIONS.get(path))

    assert_nothing_is_none(page)
    assert page.code[0].value.splitlines()[0].startswith("nyc load ")


@pytest.mark.parametrize("path", PAGES)
def test_without_a_release_it_says_how_to_publish(database: Path, path: str) -> None:
    database.touch()
    page = open_page(path, QUESTIONS.get(path))

    assert_nothing_is_none(page)
    assert page.code[0].value == "nyc build\nnyc publish"


@pytest.fixture
def empty_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "nyc_mobility.duckdb"))
    publish_by_hand(Contents([]), 57)


@pytest.mark.parametrize("path", PAGES)
def test_a_release_of_nothing(empty_release: None, path: str) -> None:
    page = open_page(path, QUESTIONS.get(path))

    assert_nothing_is_none(page)
    assert_it_says_what_to_do(page)


GREEN = """
    select
        timestamp '2025-03-12 08:00:00' + number * interval 1 minute as lpep_pickup_datetime,
        lpep_pickup_datetime + interval 10 minute as lpep_dropoff_datetime,
        number as source_row,
        132 as pu_location_id,
        7 as do_location_id,
        20.0 as total_amount
    from range(40) as numbers (number)
"""


@pytest.fixture(scope="session")
def _little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases: of Citi Bike alone, which has no money, of green taxis alone, and of weather alone."""
    own = tmp_path_factory.getbasetemp()
    scratch = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "little"
    with FileLock(f"{scratch}.lock"):
        if not (scratch / "made").exists():
            scratch.mkdir(exist_ok=True)
            _make(scratch)
            (scratch / "made").touch()
    return scratch


def _make(scratch: Path) -> None:
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        patch.setenv(LOG_FOLDER_VARIABLE, str(scratch / "logs"))
        patch.setenv("DBT_TARGET_PATH", str(scratch / "target"))
        warehouse.create_raw_tables()
        rides = [ride(f"ride {hour}", f"2025-03-12 {hour:02}:10:00", f"2025-03-12 {hour:02}:22:00") for hour in (8, 17)]
        warehouse.load("citibike", MARCH, rides)
        _build_and_publish(warehouse)
        warehouse.unload("citibike", MARCH)
        warehouse.load_query("green", MARCH, GREEN)
        _build_and_publish(warehouse)
        warehouse.unload("green", MARCH)
        warehouse.load_weather(MARCH)
        _build_and_publish(warehouse)


def _build_and_publish(warehouse: Warehouse) -> None:
    built = warehouse.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    assert built.success, warehouse.said
    publish()


def _show(scratch: Path, which: int, monkeypatch: pytest.MonkeyPatch) -> Release:
    monkeypatch.setenv(DATABASE_VARIABLE, str(scratch / "nyc_mobility.duckdb"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(scratch / "target"))
    release = Releases(scratch / "published").all()[which]
    monkeypatch.setattr("portal.session.current_release", lambda: release)
    return release


# The pages that have nothing to show but what to load.
SAYS_WHAT_TO_LOAD = {
    "citibike": {"weather": "weather", "map": "taxi_zones"},
    "green": {"weather": "weather", "map": "taxi_zones"},
    "weather": {"demand": "nyc load", "map": "nyc load", "weather": "nyc load", "metrics": "nyc load"},
}


@pytest.mark.parametrize("feed", ["citibike", "green", "weather"])
@pytest.mark.parametrize("path", PAGES)
def test_only_one_feed_is_loaded(_little: Path, monkeypatch: pytest.MonkeyPatch, path: str, feed: str) -> None:
    _show(_little, ["citibike", "green", "weather"].index(feed), monkeypatch)
    page = open_page(path, QUESTIONS.get(path))

    assert_nothing_is_none(page)
    if what := SAYS_WHAT_TO_LOAD[feed].get(path):
        assert any(what in code.value for code in page.code), texts(page)


@pytest.mark.parametrize("path", NOTHING)
def test_filters_that_leave_nothing(_little: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    _show(_little, 0, monkeypatch)
    page = open_page(path, NOTHING[path])

    assert_nothing_is_none(page)
    assert page.info or page.success


@pytest.mark.parametrize(
    "measure", ["Pickups", "Drop-offs", "Average total", "Average speed", "Bike rides", "Bike balance"]
)
@pytest.mark.parametrize("feed", [0, 1, 2])
def test_a_map_of_what_is_not_loaded(_little: Path, monkeypatch: pytest.MonkeyPatch, measure: str, feed: int) -> None:
    _show(_little, feed, monkeypatch)
    page = open_page("map", {"measure": measure})

    assert_nothing_is_none(page)
    assert_it_says_what_to_do(page)


@pytest.mark.parametrize("path", PAGES)
def test_a_full_release(sample: Sample, path: str) -> None:
    page = open_page(path, QUESTIONS.get(path))

    assert_nothing_is_none(page)
    assert page.title[0].value
    assert isinstance(page.dataframe[0].value, pd.DataFrame) or page.get("plotly_chart")
