"""Every page of the menu where little is loaded, or nothing: it says what to do, and shows nothing that is none."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from portal.frame import sections
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from tests.portal.drawn import all_figures, values_of
from tests.portal.little_data import LITTLE, show_little
from tests.warehouse.releases_by_hand import Contents, publish_by_hand
from warehouse.paths import DATABASE_VARIABLE

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


# The pages that have nothing to show but what to load.
SAYS_WHAT_TO_LOAD = {
    "citibike": {"weather": "weather", "map": "taxi_zones"},
    "green": {"weather": "weather", "map": "taxi_zones"},
    "weather": {"demand": "nyc load", "map": "nyc load", "weather": "nyc load", "metrics": "nyc load"},
}


@pytest.mark.parametrize("feed", LITTLE)
@pytest.mark.parametrize("path", PAGES)
def test_only_one_feed_is_loaded(little: Path, monkeypatch: pytest.MonkeyPatch, path: str, feed: str) -> None:
    show_little(little, feed, monkeypatch)
    page = open_page(path, QUESTIONS.get(path))

    assert_nothing_is_none(page)
    if what := SAYS_WHAT_TO_LOAD[feed].get(path):
        assert any(what in code.value for code in page.code), texts(page)


@pytest.mark.parametrize("path", NOTHING)
def test_filters_that_leave_nothing(little: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    show_little(little, "citibike", monkeypatch)
    page = open_page(path, NOTHING[path])

    assert_nothing_is_none(page)
    assert page.info or page.success


@pytest.mark.parametrize(
    "measure", ["Pickups", "Drop-offs", "Average total", "Average speed", "Bike rides", "Bike balance"]
)
@pytest.mark.parametrize("feed", LITTLE)
def test_a_map_of_what_is_not_loaded(little: Path, monkeypatch: pytest.MonkeyPatch, measure: str, feed: str) -> None:
    show_little(little, feed, monkeypatch)
    page = open_page("map", {"measure": measure})

    assert_nothing_is_none(page)
    assert_it_says_what_to_do(page)


# The sample has nothing of the others: each of their subjects has a release of its own, in the tests of its folder.
ELSEWHERE = ("Markets", "Telemetry")
IN_SAMPLE = [page.path for section in sections() if section.title not in ELSEWHERE for page in section.pages]


@pytest.mark.parametrize("path", IN_SAMPLE)
def test_a_full_release(sample: Sample, path: str) -> None:
    page = open_page(path, QUESTIONS.get(path))

    assert_nothing_is_none(page)
    assert page.title[0].value
    assert len(page.dataframe) or page.get("plotly_chart")
