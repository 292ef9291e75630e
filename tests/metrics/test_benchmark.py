"""The benchmark asks for those metrics by trip type that have one; other subjects' metrics have none."""

from benchmarks.metrics import TRIP_TYPES, measure, metrics_of_trips
from metrics.query import list_metrics
from tests.metrics.conftest import MetricWarehouse
from warehouse.releases import open_for_readers


def test_metrics_are_asked_for_by_the_trip_type_that_they_have(metric_warehouse: MetricWarehouse) -> None:
    with open_for_readers() as (source, connection):
        found = metrics_of_trips(source)
        assert set(found.values()) == set(TRIP_TYPES)
        assert {"revenue_per_mile", "total_trips"} <= {metric.name for metric in found}
        # Those of markets and telemetry are left out.
        assert len(found) < len(list_metrics(source))
        metric, trip_type = next(iter(found.items()))
        timing = measure(metric, trip_type, source, connection, runs=1)
    assert timing.fastest > 0
