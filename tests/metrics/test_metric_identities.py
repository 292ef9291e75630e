"""What must add up, adds up, in every group."""

import duckdb
import pytest

from metrics.query import MetricQuery, query_metrics
from warehouse.releases import source_for_readers

GROUPS = [(), ("trip__trip_type",), ("metric_time__day",), ("metric_time__month", "pickup_location__borough")]

# Parts, and the whole that they add up to: a metric, or 100 to nine decimals.
IDENTITIES = [
    (("morning_trips", "afternoon_trips", "evening_trips", "night_trips"), "total_trips"),
    (("weekday_trips", "weekend_trips"), "total_trips"),
    (("yellow_taxi_trips", "green_taxi_trips", "fhv_trips", "hvfhv_trips", "citibike_trips"), "total_trips"),
    (
        (
            "yellow_taxi_mode_share_pct",
            "green_taxi_mode_share_pct",
            "fhv_mode_share_pct",
            "hvfhv_mode_share_pct",
            "citibike_mode_share_pct",
        ),
        100,
    ),
]


@pytest.mark.parametrize("group_by", GROUPS)
@pytest.mark.parametrize(("parts", "whole"), IDENTITIES)
def test_parts_add_up(
    connection: duckdb.DuckDBPyConnection, group_by: tuple[str, ...], parts: tuple[str, ...], whole: str | int
) -> None:
    metrics = (*parts, whole) if isinstance(whole, str) else parts
    rows = query_metrics(MetricQuery(metrics, group_by), source_for_readers(), connection).to_pylist()
    assert rows
    for row in rows:
        total = row[whole] if isinstance(whole, str) else whole
        assert sum(row[part] for part in parts) == pytest.approx(total, abs=1e-9), row


def test_trips_by_the_hour_are_the_trips(connection: duckdb.DuckDBPyConnection) -> None:
    """The two facts agree, side by side in one answer."""
    query = MetricQuery(("total_trips", "trips_of_hours"), ("metric_time__day", "time__day_part"))
    rows = query_metrics(query, source_for_readers(), connection).to_pylist()
    assert len(rows) > 200
    assert all(row["total_trips"] == row["trips_of_hours"] for row in rows)
