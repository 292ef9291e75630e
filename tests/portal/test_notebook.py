"""The notebook answers its questions from the release, and its numbers are those of SQL."""

import re
import runpy
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Release

NOTEBOOK = PROJECT_ROOT / "notebooks" / "five_questions.py"

IN_SQL = {
    "trips": """
        select pickup_month as month, trip_type, count(*) as trips
        from core_core.fct_trips group by all order by month, trip_type
    """,
    "fares": """
        select trip_type, sum(total_revenue) as revenue
        from core_core.fct_hourly_mobility group by all having revenue <> 0 order by revenue desc
    """,
    "zones": """
        select zone_name, borough, count(*) as trips
        from core_core.fct_trips inner join core_core.dim_location on pickup_location_id = location_id
        where is_known_zone group by all order by trips desc, zone_name limit 10
    """,
    "rain": """
        select trip_type, sum(hour_count), sum(trip_count) as trips, sum(expected_trip_count) as expected,
            100 * (trips / expected - 1)
        from core_core.fct_weather_effect where weather_condition = 'rain' group by trip_type order by trip_type
    """,
}


@pytest.fixture(scope="module")
def answers() -> dict[str, pd.DataFrame]:
    """Kept from the first test on: the notebook runs once."""
    return {}


def ask(answers: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    if not answers:
        outputs, found = runpy.run_path(str(NOTEBOOK))["app"].run()
        assert len(outputs) > 5
        answers.update(found)
    return answers


def test_the_release_is_the_current_one(release: Release, answers: dict[str, pd.DataFrame]) -> None:
    assert ask(answers)["source"].release == release


@pytest.mark.parametrize("question", ["trips", "zones", "rain"])
def test_its_answers_equal_sql(
    question: str, connection: duckdb.DuckDBPyConnection, answers: dict[str, pd.DataFrame]
) -> None:
    answer = ask(answers)[question].drop(columns="weather_effect_margin_pct", errors="ignore")
    found = [tuple(row) for row in answer.astype(object).itertuples(index=False)]
    expected = connection.execute(IN_SQL[question]).fetchall()
    assert len(found) == len(expected) > 3
    for one, other in zip(found, expected, strict=True):
        assert [_comparable(value) for value in one] == [
            pytest.approx(value) if isinstance(value, float) else value for value in map(_comparable, other)
        ]


def _comparable(value: object) -> float | str:
    return float(value) if isinstance(value, int | float | Decimal) else str(value)[:10]


def test_revenue_equals_sql(connection: duckdb.DuckDBPyConnection, answers: dict[str, pd.DataFrame]) -> None:
    fares = ask(answers)["fares"]
    expected = connection.execute(IN_SQL["fares"]).fetchall()
    assert list(fares.trip__trip_type) == [trip_type for trip_type, _ in expected]
    assert list(fares.total_revenue.astype(float)) == pytest.approx([revenue for _, revenue in expected])


def test_every_hour_of_the_week_has_its_mean(
    connection: duckdb.DuckDBPyConnection, answers: dict[str, pd.DataFrame]
) -> None:
    found = {(row.number, row.hour_of_day): row.trips_per_hour for row in ask(answers)["hours"].itertuples()}
    expected = connection.execute(
        """
        select isodow(pickup_date), pickup_hour_of_day, sum(trip_count) / count(distinct hour_timestamp)
        from core_core.fct_hourly_mobility group by all
        """
    ).fetchall()
    assert len(found) == 7 * 24
    assert found == pytest.approx({(weekday, hour): trips for weekday, hour, trips in expected})


def test_it_names_no_host_and_no_secret() -> None:
    text = Path(NOTEBOOK).read_text()
    assert not re.findall(r"https?://|token|password|/work/|/home/", text)
