"""Figures as a scrape sees them."""

import shutil
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


class Given(Collector):
    """Figures that are there already."""

    def __init__(self, figures: Iterable[Metric]) -> None:
        self._figures = list(figures)

    def collect(self) -> list[Metric]:
        return self._figures


def text_of(collector: Collector) -> str:
    """What a server would send of a collector's figures."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The values of a family, by those of its labels in the order of their names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def of(figures: Iterable[Metric], name: str) -> dict[tuple[str, ...], float]:
    """The same of figures that are not yet text."""
    return values(text_of(Given(figures)), name)
