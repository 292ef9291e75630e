"""dbt's semantic manifest: the declared metrics, dimensions and saved queries.

dbt compiles `dbt/models/semantic` to it. It is read once, and again when it has changed.
"""

import json
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from warehouse.connection import WarehouseError
from warehouse.paths import PROJECT_ROOT

# dbt writes the file in place. Wait so long for it to be complete, and look so often.
_WAIT_SECONDS = 5.0
_SECONDS_BETWEEN_LOOKS = 0.1


class MetricQueryError(WarehouseError):
    """A metric query cannot be answered; the message says why and what to do."""


class BadMetricQueryError(MetricQueryError):
    """The query is not valid, whatever is loaded."""


def _manifest_path() -> Path:
    """Where dbt puts the semantic manifest: in its target folder; `DBT_TARGET_PATH` may set another."""
    dbt_project = PROJECT_ROOT / "dbt"
    return dbt_project / (os.environ.get("DBT_TARGET_PATH") or "target") / "semantic_manifest.json"


def manifest_version() -> tuple[Path, int]:
    """The path of the semantic manifest and when it was written; waits while dbt writes it.

    Raises:
        MetricQueryError: there is no manifest, or it stays empty or half written.
    """
    path = _manifest_path()
    retrying = Retrying(
        # A half-written file is not valid JSON.
        retry=retry_if_exception_type(ValueError),
        stop=stop_after_delay(_WAIT_SECONDS),
        wait=wait_fixed(_SECONDS_BETWEEN_LOOKS),
        reraise=True,
    )
    try:
        return retrying(_version_of, path)
    except FileNotFoundError as error:
        raise MetricQueryError(
            f"{path}: expected dbt's semantic manifest, but there is none. Make it: cd dbt && dbt parse"
        ) from error
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise MetricQueryError(
            f"{path}: expected dbt's semantic manifest, but the file is empty or not valid ({error}). "
            "If dbt is running, ask again when it has ended. Otherwise make it again: cd dbt && dbt parse"
        ) from error


def _version_of(path: Path) -> tuple[Path, int]:
    version = path, path.stat().st_mtime_ns
    read_manifest(*version)
    return version


@lru_cache(maxsize=1)
def read_manifest(path: Path, _modified_at: int) -> dict[str, Any]:
    """The semantic manifest, its tables named without the database.

    dbt and a reader call the database by different names: DuckDB names it after its file.
    """
    manifest: dict[str, Any] = json.loads(path.read_text())
    for holder in (*manifest["semantic_models"], *manifest["project_configuration"]["time_spines"]):
        relation = holder["node_relation"]
        relation["relation_name"] = f'"{relation["schema_name"]}"."{relation["alias"]}"'
    return manifest


def inputs_of(metric: Mapping[str, Any]) -> list[str]:
    """The metrics that a declared metric is made of; none for a simple one."""
    parameters = metric["type_params"]
    if metric["type"] == "ratio":
        return [parameters["numerator"]["name"], parameters["denominator"]["name"]]
    return [part["name"] for part in parameters["metrics"]]


def model_of_measure(manifest: Mapping[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The semantic model that has the measure, and the measure.

    Raises:
        LookupError: no model has it.
    """
    for model in manifest["semantic_models"]:
        for measure in model["measures"]:
            if measure["name"] == name:
                return model, measure
    raise LookupError(f"expected the measure {name!r} in the semantic manifest, but it is not there")


def tables_beside(manifest: Mapping[str, Any], metrics: Iterable[str]) -> set[str]:
    """The tables that have semantic models in the same schemas as those of the metrics: one subject's facts."""
    declared = {metric["name"]: metric for metric in manifest["metrics"]}
    schemas: set[str] = set()
    waiting = list(metrics)
    while waiting:
        metric = declared[waiting.pop()]
        if metric["type"] == "simple":
            model, _ = model_of_measure(manifest, metric["type_params"]["measure"]["name"])
            schemas.add(model["node_relation"]["schema_name"])
        waiting += inputs_of(metric)
    relations = [model["node_relation"] for model in manifest["semantic_models"]]
    return {relation["alias"] for relation in relations if relation["schema_name"] in schemas}
