"""The governed metrics, asked in this process: MetricFlow writes the SQL, DuckDB answers it.

    from warehouse.metrics import MetricQuery, query_metrics

    query_metrics(MetricQuery(("rain_trip_rate",), group_by=("trip__trip_type",), where=("date__season = 'winter'",)))

What a metric means is declared in `dbt/models/semantic`; dbt compiles that to the semantic manifest, which is read
once and again when it changed. MetricFlow is imported on first use, for it takes half a second.
"""

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pyarrow as pa

from warehouse.connection import WarehouseError, open_for_reading
from warehouse.paths import PROJECT_ROOT

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow.protocols.sql_client import SqlClient

_GRAINS = ("hour", "day", "week", "month", "quarter", "year")
_WHOLE_NUMBER = pa.decimal128(38, 0)


class MetricQueryError(WarehouseError):
    """A metric query cannot be answered; the message says why and what to do."""


@dataclass(frozen=True)
class Metric:
    """A governed metric, as declared."""

    name: str
    label: str
    description: str
    category: str
    unit: str
    owner: str


@dataclass(frozen=True)
class MetricQuery:
    """Metrics, and what they are asked by.

    `group_by` has dimensions as `trip__trip_type`, and times with their grain as `metric_time__month`. `where` has
    conditions in SQL on the same names, whether grouped by or not. `order_by` takes metrics and what is grouped by,
    with `-` before the name for descending order; without it the answer is in the order of the groups. `start` and
    `end` bound metric_time, both inclusive. `saved_query` gives metrics and groups by the name of a saved query.
    """

    metrics: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    saved_query: str | None = None


def list_metrics() -> list[Metric]:
    """Every governed metric, in order of category and name.

    Raises:
        MetricQueryError: there is no semantic manifest.
    """
    declared = _read_manifest(*_manifest_version())["metrics"]
    metrics = [
        Metric(
            name=metric["name"],
            label=metric["label"],
            description=metric["description"],
            **{key: metric["config"]["meta"].get(key, "") for key in ("category", "unit", "owner")},
        )
        for metric in declared
    ]
    return sorted(metrics, key=lambda metric: (metric.category, metric.name))


def list_dimensions(metrics: tuple[str, ...]) -> list[str]:
    """What all of these metrics can be grouped and filtered by; times without their grain.

    Raises:
        MetricQueryError: there is no such metric, or no semantic manifest.
    """
    with _refusals(), _LOCK:
        found = _engine(*_manifest_version()).simple_dimensions_for_metrics(list(metrics))
    return sorted(dimension.granularity_free_dunder_name for dimension in found)


def metric_sql(query: MetricQuery) -> str:
    """The SQL that answers the query; the same for the same query until the declarations change.

    Raises:
        MetricQueryError: there is no such metric or dimension, or no semantic manifest.
    """
    return _sql(query, *_manifest_version())


def query_metrics(query: MetricQuery, connection: duckdb.DuckDBPyConnection | None = None) -> pa.Table:
    """Answer the query: a row a group, columns as asked; `.to_pandas()` makes a dataframe of it.

    Without a connection the DuckDB file is opened for reading, and closed again.

    Raises:
        MetricQueryError: there is no such metric or dimension, no semantic manifest, or DuckDB refuses the SQL.
        WarehouseError: the DuckDB file cannot be opened.
    """
    sql = metric_sql(query)
    if connection is None:
        with open_for_reading() as opened:
            return _run(sql, opened)
    return _run(sql, connection)


def _run(sql: str, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    try:
        # A cursor of its own, so that threads may share the connection, whatever result is still open on it.
        with connection.cursor() as cursor:
            answer: pa.Table = cursor.sql(sql).to_arrow_table()
    except duckdb.CatalogException as error:
        raise MetricQueryError(f"{error}\nBuild what the metrics are of first: cd dbt && dbt build") from error
    except duckdb.Error as error:
        raise MetricQueryError(f"DuckDB refuses the query, most likely for a condition: {error}") from error
    # DuckDB's sum of integers is a number of 128 bits, which few clients of Arrow take for an integer.
    types = [pa.int64() if field.type == _WHOLE_NUMBER else field.type for field in answer.schema]
    return answer.cast(pa.schema(list(zip(answer.column_names, types, strict=True))))


def _manifest_path() -> Path:
    """Where dbt puts the semantic manifest: below its target folder, which may be set, relative to the project."""
    dbt_project = PROJECT_ROOT / "dbt"
    return dbt_project / (os.environ.get("DBT_TARGET_PATH") or "target") / "semantic_manifest.json"


def _manifest_version() -> tuple[Path, int]:
    path = _manifest_path()
    try:
        return path, path.stat().st_mtime_ns
    except FileNotFoundError as error:
        raise MetricQueryError(
            f"{path}: expected dbt's semantic manifest, but there is none. Make it: cd dbt && dbt parse"
        ) from error


@lru_cache(maxsize=1)
def _read_manifest(path: Path, _modified_at: int) -> dict[str, Any]:
    """The semantic manifest, its tables named without the database: that is the name of the file it was parsed for."""
    manifest: dict[str, Any] = json.loads(path.read_text())
    for holder in (*manifest["semantic_models"], *manifest["project_configuration"]["time_spines"]):
        relation = holder["node_relation"]
        relation["relation_name"] = f'"{relation["schema_name"]}"."{relation["alias"]}"'
    return manifest


class _DuckDbDialect:
    """As much of a SQL client as MetricFlow needs to write SQL without running it."""

    def __init__(self) -> None:
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

        self.sql_engine_type = SqlEngine.DUCKDB
        self.sql_plan_renderer = DuckDbSqlPlanRenderer()


# MetricFlow's engine keeps caches of its own, which it does not guard against threads.
_LOCK = threading.Lock()


@lru_cache(maxsize=1)
def _engine(path: Path, modified_at: int) -> "MetricFlowEngine":
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    manifest = parse_manifest_from_dbt_generated_manifest(json.dumps(_read_manifest(path, modified_at)))
    return MetricFlowEngine(SemanticManifestLookup(manifest), cast("SqlClient", _DuckDbDialect()))


@lru_cache(maxsize=256)
def _sql(query: MetricQuery, path: Path, modified_at: int) -> str:
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest, OutputColumnOrderMode

    with _refusals(), _LOCK:
        request = MetricFlowQueryRequest.create(
            saved_query_name=query.saved_query,
            metric_names=query.metrics or None,
            group_by_names=query.group_by or None,
            where_constraints=[as_filter(condition) for condition in query.where] or None,
            order_by_names=query.order_by or query.group_by or None,
            limit=query.limit,
            time_constraint_start=query.start,
            time_constraint_end=query.end,
            output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
        )
        return _engine(path, modified_at).explain(request).sql_statement.without_descriptions.sql


@contextmanager
def _refusals() -> Iterator[None]:
    """MetricFlow's refusals of what is asked, as this module's error."""
    from metricflow_semantics.errors.error_classes import InformativeUserError

    try:
        yield
    except InformativeUserError as error:
        raise MetricQueryError(
            f"MetricFlow refuses the query: {error}\nWhat there is: make metrics, make dimensions M=<metric>"
        ) from error


def as_filter(condition: str) -> str:
    """A condition on plain names (`trip__trip_type = 'fhv'`) as MetricFlow wants it; one in its own terms is kept."""
    if "{{" in condition:
        return condition
    # What is between quotes is a value, whatever it looks like.
    parts = re.split(r"('(?:[^']|'')*')", condition)
    return "".join(part if part.startswith("'") else re.sub(r"\b\w+?__\w+\b", _as_reference, part) for part in parts)


def _as_reference(name: re.Match[str]) -> str:
    owner, _, last = name[0].rpartition("__")
    if last in _GRAINS:
        return f"{{{{ TimeDimension('{owner}', '{last}') }}}}"
    return f"{{{{ Dimension('{name[0]}') }}}}"
