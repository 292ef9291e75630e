"""dbt's semantic manifest: the declared metrics, dimensions and saved queries.

dbt compiles `dbt/models/semantic` to it, and a release holds the one of its time. Each is read once.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.paths import dbt_target_folder
from warehouse.releases import Release, ReleaseError, Source
from warehouse.spark.tables import SparkTables

# dbt writes the file in place. Wait so long for it to be complete, and look so often.
_WAIT_SECONDS = 5.0
_SECONDS_BETWEEN_LOOKS = 0.1


class MetricQueryError(WarehouseError):
    """A metric query cannot be answered; the message says why and what to do."""


class NothingDeclaredError(MetricQueryError, NotThereYetError):
    """dbt has made no semantic manifest yet, so nothing is built on Spark either."""


class BadMetricQueryError(MetricQueryError):
    """The query is not valid, whatever is loaded."""


@dataclass(frozen=True)
class Manifest:
    """A semantic manifest. `version` is another one whenever its content is, so what comes of it is kept by that."""

    version: str
    path: Path = field(compare=False)


def manifest_of(source: Source | SparkTables) -> Manifest:
    """The semantic manifest of a release; of the working file and of Spark the one that dbt has compiled last.

    Raises:
        MetricQueryError: dbt has made no manifest, or it stays empty or half written.
        ReleaseError: the release has none, or it is damaged.
    """
    if isinstance(source, SparkTables):
        return _manifest_of_dbt(NothingDeclaredError)
    return _manifest_of_release(source.release) if source.release else _manifest_of_dbt(MetricQueryError)


def _manifest_of_release(release: Release) -> Manifest:
    path = release.semantic_manifest
    manifest = Manifest(release.documents.get(path.name) or release.id, path)
    try:
        read_manifest(manifest)
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise ReleaseError(
            f"{path}: expected the semantic manifest of release {release.id}, but it cannot be read ({error}). "
            "Make a release anew: nyc build, nyc publish. Until then read the working file: --live"
        ) from error
    return manifest


def _manifest_of_dbt(missing: type[MetricQueryError]) -> Manifest:
    # dbt's target folder.
    path = dbt_target_folder() / "semantic_manifest.json"
    retrying = Retrying(
        # A half-written file is not valid JSON.
        retry=retry_if_exception_type(ValueError),
        stop=stop_after_delay(_WAIT_SECONDS),
        wait=wait_fixed(_SECONDS_BETWEEN_LOOKS),
        reraise=True,
    )
    try:
        return retrying(_as_it_is_now, path)
    except FileNotFoundError as error:
        raise missing(
            f"{path}: expected dbt's semantic manifest, but there is none. Make it: cd dbt && dbt parse"
        ) from error
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise MetricQueryError(
            f"{path}: expected dbt's semantic manifest, but the file is empty or not valid ({error}). "
            "If dbt is running, ask again when it has ended. Otherwise make it again: cd dbt && dbt parse"
        ) from error


def _as_it_is_now(path: Path) -> Manifest:
    manifest = Manifest(f"{path} {path.stat().st_mtime_ns}", path)
    read_manifest(manifest)
    return manifest


# For the current release, the one before it, and the working file.
MANIFESTS_KEPT = 3


@lru_cache(maxsize=MANIFESTS_KEPT)
def read_manifest(manifest: Manifest) -> dict[str, Any]:
    """The semantic manifest, its tables named without the database.

    dbt and a reader call the database by different names: DuckDB names it after its file.
    """
    content: dict[str, Any] = json.loads(manifest.path.read_text())
    for holder in (*content["semantic_models"], *content["project_configuration"]["time_spines"]):
        relation = holder["node_relation"]
        relation["relation_name"] = f'"{relation["schema_name"]}"."{relation["alias"]}"'
    return content


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
