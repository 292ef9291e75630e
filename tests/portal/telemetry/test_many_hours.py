"""Health with thousands of hours of events: nothing is said to be missing, and the grid stays small."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from portal.texts import count
from tests.portal.browsing import open_page, texts
from tests.portal.drawn import all_figures, values_of
from tests.portal.test_every_page import assert_nothing_is_none
from tests.warehouse.releases_by_hand import Contents, publish_by_hand
from warehouse.paths import DATABASE_VARIABLE

FIRST, HOURS = datetime(2026, 1, 5), 1000


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A release with these hours of events, one in ten of which has no file, and one profile of years ago."""
    keys = [f"{FIRST + timedelta(hours=number):%Y-%m-%dT%H}" for number in range(HOURS) if number % 10]
    loads = {("pipeline_events", key): (f"load {key}", f"{key}") for key in keys}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(tmp_path_factory.mktemp("hours") / "nyc_mobility.duckdb"))
        publish_by_hand(Contents([], {**loads, ("crawler_results", "2019-03-04"): ("load", "etag")}), 57)
        yield keys


def test_hours_without_a_file_are_no_gap(hours: list[str]) -> None:
    page = open_page("health")

    assert_nothing_is_none(page)
    figures = {one.label: one.value for one in page.metric}
    assert (figures["Open gaps"], figures["Feeds up to date"]) == ("0", "2 of 2")
    assert "missing" not in texts(page)
    cells = {name for name in page.selectbox(key="cell").options if name.startswith("pipeline_events")}
    assert cells == {f"pipeline_events:{key}" for key in hours}


def test_the_grid_draws_the_last_days_and_says_so(hours: list[str]) -> None:
    page = open_page("health")

    points = [len(values_of(figure["data"][1], "x")) for figure in all_figures(page)]
    days = sorted({key[:10] for key in hours})[-31:]
    drawn = [key for key in hours if key[:10] in days]
    assert sorted(points) == [1, len(drawn)]
    assert f"{count(len(hours) - len(drawn))} earlier hours" in texts(page)
