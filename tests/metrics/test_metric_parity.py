"""MetricFlow's answers are those of plain SQL."""

from datetime import date

import duckdb
import pytest

from tests.metrics.definitions import DEFINITIONS, DIMENSIONS, DIMENSIONS_OF_HOURS, OF_HOURS
from tests.metrics.parity import Groups, answered, assert_same, computed

GRAINS = ("day", "week", "month", "quarter", "year")


def expected(connection: duckdb.DuckDBPyConnection, metric: str, keys: tuple[str, ...], where: str = "true") -> Groups:
    return computed(connection, "trips", DEFINITIONS[metric], keys, where)


def test_the_sample_has_what_a_definition_can_get_wrong(connection: duckdb.DuckDBPyConnection) -> None:
    """Refunds, outliers, missing and edge values, both clock changes, every class of weather: else parity is empty."""
    counts = connection.execute(
        """
        select
            count(*) filter (refund), count(*) filter (not sane and not refund), count(*) filter (h is null),
            count(*) filter (hour_timestamp is null or t is null), count(*) filter (passenger_count is null),
            count(*) filter (trip_distance = 0), count(*) filter (total_amount is null),
            count(*) filter (total_amount = 0),
            count(*) filter (pickup_date = '2025-03-09' and h = 3),
            count(*) filter (pickup_date = '2025-11-02' and h = 1),
            count(*) filter (pickup_date = '2025-11-11' and h = 8),
            count(*) filter (adverse is null and t is not null),
            count(*) filter (adverse), count(*) filter (pleasant), count(*) filter (snow > 0), count(*) filter (t < 0),
            count(*) filter (t >= 30), count(*) filter (trip_type = 'citibike' and cycling)
        from trips
        """
    ).fetchone()
    assert counts
    assert counts[2] == 0
    assert all(count > 0 for count in (*counts[:2], *counts[3:])), counts
    assert connection.execute("select count(distinct trip_type) from trips").fetchall() == [(5,)]


@pytest.mark.parametrize("metric", DEFINITIONS)
def test_a_metric_is_its_plain_definition(connection: duckdb.DuckDBPyConnection, metric: str) -> None:
    """Over all, by type, and by month and a dimension, which is another from metric to metric."""
    dimensions = DIMENSIONS_OF_HOURS if metric in OF_HOURS else DIMENSIONS
    trip_type = "mobility_hour__trip_type" if metric in OF_HOURS else "trip__trip_type"
    dimension, column = list(dimensions.items())[list(DEFINITIONS).index(metric) % len(dimensions)]
    assert_same(answered(connection, metric, ()), expected(connection, metric, ()))
    assert_same(answered(connection, metric, (trip_type,)), expected(connection, metric, ("trip_type",)))
    assert_same(
        answered(connection, metric, ("metric_time__month", dimension)),
        expected(connection, metric, ("date_trunc('month', pickup_date)", column)),
    )


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_trips_can_be_grouped_and_filtered_by(connection: duckdb.DuckDBPyConnection, dimension: str) -> None:
    column = DIMENSIONS[dimension]
    groups = answered(connection, "total_revenue", (dimension,))
    assert_same(groups, expected(connection, "total_revenue", (column,)))
    value = next(key for (key,) in groups if key is not None)
    literal = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
    assert_same(
        answered(connection, "total_trips", ("trip__trip_type",), (f"{dimension} = {literal}",)),
        expected(connection, "total_trips", ("trip_type",), f"{column} = {literal}"),
    )


@pytest.mark.parametrize("grain", GRAINS)
def test_trips_can_be_grouped_and_filtered_by_time(connection: duckdb.DuckDBPyConnection, grain: str) -> None:
    column = f"date_trunc('{grain}', pickup_date)"
    assert_same(
        answered(connection, "total_trips", (f"metric_time__{grain}",)), expected(connection, "total_trips", (column,))
    )
    since = date(2025, 11, 2)
    assert_same(
        answered(connection, "total_trips", ("trip__trip_type",), (f"metric_time__{grain} >= '{since}'",)),
        expected(connection, "total_trips", ("trip_type",), f"{column} >= '{since}'"),
    )
