"""What a metric is: its words, its formula down to columns, what it can be asked by, and its SQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from metrics.query import Metric, MetricQuery, list_dimensions, list_metrics, metric_sql
from metrics.semantic_manifest import manifest_version, read_manifest


@dataclass(frozen=True)
class MetricDefinition:
    """A metric with all that is declared of it. `formula` has a line for it and one for each metric it is made of."""

    metric: Metric
    formula: tuple[str, ...]
    dimensions: tuple[str, ...]
    sql: str


def define_metric(name: str) -> MetricDefinition:
    """The definition of a metric.

    Raises:
        BadMetricQueryError: there is no such metric; the message names those that are alike.
        MetricQueryError: there is no semantic manifest.
    """
    # First, for it refuses a name that is none with what there is.
    sql = metric_sql(MetricQuery((name,)))
    metric = next(metric for metric in list_metrics() if metric.name == name)
    return MetricDefinition(metric, tuple(_formula(name)), tuple(list_dimensions((name,))), sql)


def _formula(name: str) -> Iterator[str]:
    manifest = read_manifest(*manifest_version())
    metrics: dict[str, dict[str, Any]] = {metric["name"]: metric for metric in manifest["metrics"]}
    declared = metrics[name]
    parameters = declared["type_params"]
    parts = [part["name"] for part in parameters["metrics"]]
    if declared["type"] == "simple":
        yield _with_filter(f"{name} = {_measure(manifest, parameters['measure']['name'])}", declared)
    elif declared["type"] == "ratio":
        parts = [parameters["numerator"]["name"], parameters["denominator"]["name"]]
        yield _with_filter(f"{name} = {parts[0]} / {parts[1]}", declared)
    else:
        yield _with_filter(f"{name} = {parameters['expr']}", declared)
    for part in parts:
        yield from _formula(part)


def _measure(manifest: dict[str, Any], name: str) -> str:
    for model in manifest["semantic_models"]:
        for measure in model["measures"]:
            if measure["name"] == name:
                relation = model["node_relation"]
                return f"{measure['agg']}({measure['expr'] or name}) of {relation['schema_name']}.{relation['alias']}"
    raise LookupError(f"expected the measure {name!r} in the semantic manifest, but it is not there")


def _with_filter(formula: str, declared: dict[str, Any]) -> str:
    filters = [each["where_sql_template"] for each in (declared["filter"] or {}).get("where_filters", ())]
    return f"{formula} where {' and '.join(filters)}" if filters else formula
