"""Every metric says what it is, and the fifty are the fifty."""

from pathlib import Path

import pytest
import yaml

from metrics.query import list_metrics
from tests.metrics.conftest import MetricWarehouse
from tests.metrics.definitions import DEFINITIONS, FIXED, OF_WEATHER_EFFECT
from tests.metrics.markets.definitions import DEFINITIONS as OF_MARKETS
from tests.metrics.telemetry.definitions import DEFINITIONS as OF_TELEMETRY
from warehouse.paths import PROJECT_ROOT

FILES = sorted((PROJECT_ROOT / "dbt" / "models" / "semantic").glob("*/metrics/*.yml"))


def test_the_four_categories_are_complete(metric_warehouse: MetricWarehouse) -> None:
    metrics = list_metrics()
    for category, definitions in FIXED.items():
        assert {metric.name for metric in metrics if metric.category == category} == set(definitions)
    assert [len(definitions) for definitions in FIXED.values()] == [12, 13, 13, 12]


def test_every_metric_has_a_definition_in_plain_sql(metric_warehouse: MetricWarehouse) -> None:
    assert {metric.name for metric in list_metrics()} == {
        *(*DEFINITIONS, *OF_WEATHER_EFFECT, *OF_MARKETS, *OF_TELEMETRY)
    }


def test_every_metric_is_described(metric_warehouse: MetricWarehouse) -> None:
    for metric in list_metrics():
        said = (metric.label, metric.description, metric.category, metric.unit, metric.owner)
        assert all(said), metric.name
        assert "Left out" in metric.description, f"{metric.name} does not say what it leaves out"


def test_labels_are_told_apart(metric_warehouse: MetricWarehouse) -> None:
    labels = [metric.label for metric in list_metrics()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_a_category(path: Path) -> None:
    (category,) = {metric["config"]["meta"]["category"] for metric in yaml.safe_load(path.read_text())["metrics"]}
    assert path.stem == category.lower().replace(" ", "_")
