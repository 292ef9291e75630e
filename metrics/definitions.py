"""What a metric is: its label and description, its formula down to columns, its dimensions and its SQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from metrics.dialects import MetricSource
from metrics.query import Metric, MetricQuery, list_dimensions, list_metrics, metric_sql
from metrics.semantic_manifest import inputs_of, manifest_of, model_of_measure, read_manifest
from warehouse.releases import source_for_readers


@dataclass(frozen=True)
class MetricDefinition:
    """Everything that is declared about a metric.

    `formula` has a line for the metric and one for each metric that it is made of. What is additive may be added up
    over groups: sums and counts, and no averages, shares or counts of what is distinct.
    """

    metric: Metric
    formula: tuple[str, ...]
    dimensions: tuple[str, ...]
    sql: str
    is_additive: bool


def define_metric(name: str, source: MetricSource | None = None) -> MetricDefinition:
    """The definition of a metric in a source, by default the current release.

    Raises:
        BadMetricQueryError: there is no such metric; the message names similar ones.
        WarehouseError: there is no semantic manifest.
    """
    source = source or source_for_readers()
    # First, because it refuses an unknown name and suggests similar ones.
    sql = metric_sql(MetricQuery((name,)), source)
    metric = next(metric for metric in list_metrics(source) if metric.name == name)
    manifest = read_manifest(manifest_of(source))
    dimensions = tuple(list_dimensions((name,), source))
    return MetricDefinition(metric, tuple(formula_of(manifest, name)), dimensions, sql, _is_additive(manifest, name))


def _is_additive(manifest: dict[str, Any], name: str) -> bool:
    declared = next(metric for metric in manifest["metrics"] if metric["name"] == name)
    if declared["type"] != "simple":
        return False
    _, measure = model_of_measure(manifest, declared["type_params"]["measure"]["name"])
    return measure["agg"] in ("sum", "count", "sum_boolean")


def formula_of(manifest: dict[str, Any], name: str) -> Iterator[str]:
    """What a metric is made of, by a semantic manifest: a line for it, and one for each metric that it is made of."""
    metrics: dict[str, dict[str, Any]] = {metric["name"]: metric for metric in manifest["metrics"]}
    declared = metrics[name]
    parameters = declared["type_params"]
    parts = inputs_of(declared)
    if declared["type"] == "simple":
        formula = _measure(manifest, parameters["measure"]["name"])
    elif declared["type"] == "ratio":
        formula = " / ".join(parts)
    else:
        formula = parameters["expr"]
    yield _with_filter(f"{name} = {formula}", declared)
    for part in parts:
        yield from formula_of(manifest, part)


def _measure(manifest: dict[str, Any], name: str) -> str:
    model, measure = model_of_measure(manifest, name)
    relation = model["node_relation"]
    return f"{measure['agg']}({measure['expr'] or name}) of {relation['schema_name']}.{relation['alias']}"


def _with_filter(formula: str, declared: dict[str, Any]) -> str:
    filters = [each["where_sql_template"] for each in (declared["filter"] or {}).get("where_filters", ())]
    return f"{formula} where {' and '.join(filters)}" if filters else formula
