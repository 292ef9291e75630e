"""The whole line as a user runs it: the ingestion command, then dbt build, in processes of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from sandbox.server import SamplePublisher
from tests.end_to_end.line import OTHER_SUBJECTS, Line

MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)
FACTS = ("fct_trips", "quarantined_trips", "fct_hourly_mobility")


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, JUNE, rows=3000, folder=tmp_path_factory.mktemp("published")) as server:
        yield server


@dataclass(frozen=True)
class Built:
    """A line, and what its build said."""

    line: Line
    said: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, publisher: SamplePublisher) -> Built:
    """May and June loaded in order, and built once."""
    line = Line(tmp_path_factory.mktemp("in_order"), publisher)
    line.load_as_in_the_guide("--from", "2025-05", "--to", "2025-06")
    return Built(line, line.build(data_tests=True, exclude=OTHER_SUBJECTS))


@pytest.fixture
def in_order(built: Built) -> Line:
    return built.line


def test_a_clean_build_loses_nothing_and_warns_of_nothing(built: Built, in_order: Line) -> None:
    with duckdb.connect(str(in_order.database), read_only=True) as connection:
        counts = connection.execute(
            """
            with built as (
                select feed, source_month from core_core.fct_trips
                union all
                select feed, source_month from core_core.quarantined_trips
            )

            select asset, partition_key, any_value(rows), count(built.feed)
            from meta.asset_watermarks
            left join built on built.feed = asset and strftime(source_month, '%Y-%m') = partition_key
            where source_url is not null and asset <> 'weather'
            group by all
            """
        ).fetchall()
    assert len(counts) == 8
    assert [published for _, _, published, _ in counts] == [built for _, _, _, built in counts]
    assert "WARN=0 ERROR=0 SKIP=0" in built.said
    assert "WARNING" not in built.said.upper().replace("WARN=0", "")


def test_the_same_month_twice_and_may_after_june_give_the_same_rows(
    in_order: Line, publisher: SamplePublisher, tmp_path: Path
) -> None:
    line = Line(tmp_path, publisher)
    line.load("--year", "2025", "--months", "6", "--sources", "citibike,weather,taxi")
    line.build(exclude=OTHER_SUBJECTS)
    line.load("--year", "2025", "--months", "5")
    line.load("--year", "2025", "--months", "5", "--force")
    line.build(exclude=OTHER_SUBJECTS)
    for fact in FACTS:
        assert line.rows(fact) == in_order.rows(fact), fact
    assert "unchanged" in line.load("--from", "2025-05", "--to", "2025-06")


def test_the_verification_query_of_the_guide_counts_trips_by_month(in_order: Line) -> None:
    with duckdb.connect(str(in_order.database), read_only=True) as connection:
        trips = connection.execute(
            """
            SELECT
                DATE_TRUNC('month', pickup_datetime) as month,
                COUNT(*) as trips
            FROM core_core.fct_trips
            GROUP BY DATE_TRUNC('month', pickup_datetime)
            ORDER BY month
            """
        ).fetchall()
    in_months = {month.date(): count for month, count in trips if month.date() in (MAY, JUNE)}
    assert set(in_months) == {MAY, JUNE}
    assert min(in_months.values()) > 3000
