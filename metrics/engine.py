"""MetricFlow's engine for a semantic manifest: it writes SQL, and runs none.

MetricFlow is imported on first use, because that takes half a second.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from metrics.conditions import ConditionError
from metrics.dialects import Dialect
from metrics.semantic_manifest import MANIFESTS_KEPT, BadMetricQueryError, Manifest, read_manifest

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow.protocols.sql_client import SqlClient


class _Writer:
    """The part of a SQL client that MetricFlow needs to write SQL without running it."""

    def __init__(self, dialect: Dialect) -> None:
        from metricflow.protocols.sql_client import SqlEngine

        from metrics.rendering import DuckDbRenderer
        from metrics.spark_rendering import SparkRenderer

        is_spark = dialect is Dialect.SPARK
        # MetricFlow has no Spark among its engines. Databricks is the nearest.
        self.sql_engine_type = SqlEngine.DATABRICKS if is_spark else SqlEngine.DUCKDB
        self.sql_plan_renderer = SparkRenderer() if is_spark else DuckDbRenderer()


# MetricFlow's engine keeps caches that are not safe for threads.
LOCK = threading.Lock()


@lru_cache(maxsize=MANIFESTS_KEPT + 1)
def engine(manifest: Manifest, dialect: Dialect = Dialect.DUCKDB) -> "MetricFlowEngine":
    """The engine of a manifest, which writes in a dialect. Use it only with `LOCK`."""
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    declared = parse_manifest_from_dbt_generated_manifest(json.dumps(read_manifest(manifest)))
    return MetricFlowEngine(SemanticManifestLookup(declared), cast("SqlClient", _Writer(dialect)))


@contextmanager
def refusals() -> Iterator[None]:
    """Turn MetricFlow's refusals into BadMetricQueryError."""
    from metricflow_semantics.errors.error_classes import InformativeUserError

    try:
        yield
    except ConditionError as error:
        raise BadMetricQueryError(str(error)) from error
    except InformativeUserError as error:
        raise BadMetricQueryError(
            f"MetricFlow refuses the query: {error}\n"
            "To see what there is: nyc metrics list, nyc metrics dimensions METRIC"
        ) from error
