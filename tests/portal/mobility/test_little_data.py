"""Pages where little is loaded: one day of one type that publishes no money, and no weather."""

from pathlib import Path

import pytest

from tests.portal.browsing import open_page, texts
from tests.portal.drawn import by_name, figure_of
from tests.portal.little_data import show_little


@pytest.fixture(autouse=True)
def one_day(little: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rides of one day, published."""
    show_little(little, "citibike", monkeypatch)


def test_demand_shows_what_there_is_and_says_what_to_load() -> None:
    page = open_page("demand")

    assert not page.exception
    assert not page.error
    assert [one.value for one in page.metric] == ["2", "not published", "not published", "12.0"]
    assert by_name(figure_of(page, "Trips by day")) == {("Citi Bike", "2025-03-12"): 2}
    said = texts(page).replace("\\", "")
    assert "No weather is loaded for Mar 2025." in said
    assert "nyc load --sources weather --from 2025-03 --to 2025-03" in said


def test_a_choice_without_trips_says_so() -> None:
    page = open_page("demand", {"days": "Weekends and holidays"})

    assert not page.exception
    assert not page.error
    assert "There are no such trips in Mar 2025, weekends and holidays." in texts(page).replace("\\", "")


def test_weather_effect_says_to_load_weather() -> None:
    page = open_page("weather")

    assert not page.exception
    assert not page.error
    assert "weather" in next(one.value for one in page.code)


def test_the_overview_says_whose_money_is_not_loaded() -> None:
    page = open_page("overview")

    assert not page.exception
    assert "No loaded trip has an amount." in texts(page).replace("\\", "")
