"""Metric families for Prometheus, made of rows. Their names and help stand beside the SQL that they come from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Value: TypeAlias = float | int | bool | datetime | None
Samples: TypeAlias = Iterable[tuple[tuple[str, ...], Value]]


def gauge(name: str, meaning: str, samples: Samples, labels: Sequence[str] = ()) -> Metric:
    """A figure that goes up and down.

    `samples` are values with the values of the `labels`; None is no sample. Times become seconds since 1970.
    """
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for names, value in samples:
        if value is not None:
            family.add_metric(names, as_number(value))
    return family


def one(name: str, meaning: str, value: Value) -> Metric:
    """A figure without labels."""
    return gauge(name, meaning, [((), value)])


def by(label: str, name: str, meaning: str, values: Mapping[str, Value]) -> Metric:
    """A figure for each value of one label."""
    return gauge(name, meaning, (((key,), value) for key, value in sorted(values.items())), [label])


def counter(name: str, meaning: str, samples: Samples, labels: Sequence[str]) -> Metric:
    """A figure that only grows while the server runs. Its name ends in `_total`."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for names, value in samples:
        if value is not None:
            family.add_metric(names, as_number(value))
    return family


def as_number(value: float | bool | datetime) -> float:
    """A value as Prometheus takes it; a time without zone is UTC."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)
