"""dbt's semantic manifest: what metrics, dimensions and saved queries are declared.

dbt compiles `dbt/models/semantic` to it. It is read once, and again when it changed.
"""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from warehouse.connection import WarehouseError
from warehouse.paths import PROJECT_ROOT

# How long to wait for dbt to finish writing the file, which it writes in place, and how long between looks.
_WAIT_SECONDS = 5.0
_SECONDS_BETWEEN_LOOKS = 0.1


class MetricQueryError(WarehouseError):
    """A metric query cannot be answered; the message says why and what to do."""


class BadMetricQueryError(MetricQueryError):
    """What was asked is not a question that can be answered, whatever is loaded."""


def _manifest_path() -> Path:
    """Where dbt puts the semantic manifest: below its target folder, which may be set, relative to the project."""
    dbt_project = PROJECT_ROOT / "dbt"
    return dbt_project / (os.environ.get("DBT_TARGET_PATH") or "target") / "semantic_manifest.json"


def manifest_version() -> tuple[Path, int]:
    """Where the semantic manifest is and when it was written, once it is whole.

    Raises:
        MetricQueryError: there is none, or it stays empty or half written.
    """
    path = _manifest_path()
    retrying = Retrying(
        # What is half written is not JSON.
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
            f"{path}: expected dbt's semantic manifest, but it is empty, half written or not one ({error}). "
            "If dbt is running, ask again when it has ended; else make it anew: cd dbt && dbt parse"
        ) from error


def _version_of(path: Path) -> tuple[Path, int]:
    version = path, path.stat().st_mtime_ns
    read_manifest(*version)
    return version


@lru_cache(maxsize=1)
def read_manifest(path: Path, _modified_at: int) -> dict[str, Any]:
    """The semantic manifest, its tables named without the database.

    dbt names the database otherwise than DuckDB, which names it by its file, does for readers.
    """
    manifest: dict[str, Any] = json.loads(path.read_text())
    for holder in (*manifest["semantic_models"], *manifest["project_configuration"]["time_spines"]):
        relation = holder["node_relation"]
        relation["relation_name"] = f'"{relation["schema_name"]}"."{relation["alias"]}"'
    return manifest
