"""Ask for governed metrics from Python: MetricFlow writes the SQL, DuckDB or Spark runs it.

    from metrics.query import MetricQuery, query_metrics

    query_metrics(MetricQuery(("rain_trip_rate",), group_by=("trip__trip_type",), where=("date__season = 'winter'",)))

Metrics are of a `Source`: a release, or the working file. Without one it is the current release. Who asks much of one
release keeps source and connection, and asks from any thread:

    source = source_for_readers()
    with source.open() as connection:
        query_metrics(query, source, connection)

What dbt has built on Spark is a source, too, `SparkTables()`: the same questions, the same answers.

Metrics are declared in `dbt/models/semantic`. dbt compiles them to the semantic manifest, which is read once a release.
MetricFlow is imported only for a question that is new, because that takes half a second; see `kept_sql`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache

import duckdb
import pyarrow as pa

from metrics.answers import answer_of_duckdb, answer_of_spark
from metrics.conditions import as_filter
from metrics.dialects import Dialect, MetricSource, dialect_of
from metrics.engine import LOCK, engine, refusals
from metrics.kept_sql import kept_sql
from metrics.semantic_manifest import (
    BadMetricQueryError,
    Manifest,
    manifest_of,
    read_manifest,
    tables_beside,
)
from metrics.spark_conditions import as_spark_filter
from warehouse.releases import Source, open_for_readers, source_for_readers
from warehouse.spark.tables import SparkTables

_FILTERS = {Dialect.DUCKDB: as_filter, Dialect.SPARK: as_spark_filter}

_NAME = re.compile(r"[A-Za-z0-9_]+")


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
    """Which metrics to compute, and how to group, filter and sort them.

    `group_by` has dimensions such as `trip__trip_type`, and times with their grain, such as `metric_time__month`. Each
    of `where` is one SQL condition on any dimensions, without subqueries. `order_by` has metrics and names from
    `group_by`, with a `-` in front for descending order; by default rows are sorted by their groups. `start` and `end`
    are days that bound metric_time, both inclusive. `saved_query` is the name of a saved query, in place of the others.
    """

    metrics: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    saved_query: str | None = None


def list_metrics(source: MetricSource | None = None) -> list[Metric]:
    """Every governed metric, in order of category and name.

    Raises:
        WarehouseError: there is no semantic manifest.
    """
    declared = read_manifest(_manifest(source))["metrics"]
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


def list_dimensions(metrics: tuple[str, ...], source: MetricSource | None = None) -> list[str]:
    """The dimensions that all of these metrics have; times without their grain.

    Raises:
        BadMetricQueryError: there is no such metric.
        WarehouseError: there is no semantic manifest.
    """
    _check_names("metric", metrics)
    manifest = _manifest(source)
    with refusals(), LOCK:
        found = engine(manifest).simple_dimensions_for_metrics(list(metrics))
    return sorted(dimension.granularity_free_dunder_name for dimension in found)


def metric_sql(query: MetricQuery, source: MetricSource | None = None) -> str:
    """The SQL that answers the query; the same for the same query until the declarations change.

    Raises:
        BadMetricQueryError: there is no such metric or dimension, or a condition, bound or limit is not valid.
        WarehouseError: there is no semantic manifest.
    """
    _check_query(query)
    source = source or source_for_readers()
    return _sql(query, manifest_of(source), dialect_of(source))


def query_metrics(
    query: MetricQuery, source: MetricSource | None = None, connection: duckdb.DuckDBPyConnection | None = None
) -> pa.Table:
    """Answer the query as an Arrow table, a row for each group; `.to_pandas()` makes a dataframe of it.

    Without a source the current release is asked. A connection is one to the source, and stays open; without one the
    source is opened, and closed again.

    Raises:
        BadMetricQueryError: as for `metric_sql`, or a condition compares values of different types.
        MetricQueryError: dbt has made no semantic manifest, or the engine cannot answer.
        WarehouseError: the source is not there, cannot be opened, or is damaged.
    """
    if source is None:
        if connection is not None:
            raise ValueError("expected the source that the connection is to, but got none")
        # Declarations and rows are of the same release.
        with open_for_readers() as (source, opened):
            return answer_of_duckdb(metric_sql(query, source), source, opened)
    sql = metric_sql(query, source)
    if isinstance(source, SparkTables):
        return answer_of_spark(sql, source)
    if connection is not None:
        return answer_of_duckdb(sql, source, connection)
    with source.open() as opened:
        return answer_of_duckdb(sql, source, opened)


def months_loaded(query: MetricQuery, source: Source, connection: duckdb.DuckDBPyConnection) -> list[date]:
    """The months of files that are loaded and built in the subject of the query, each as its first day.

    They come from the ledger's partitions of facts; without a ledger there are none.
    """
    manifest = read_manifest(manifest_of(source))
    saved = [one for one in manifest["saved_queries"] if one["name"] == query.saved_query]
    metrics = [*query.metrics, *(metric for one in saved for metric in one["query_params"]["metrics"])]
    try:
        found = connection.execute(
            """
            select distinct cast(date_trunc('month', period_start) as date) as month
            from meta.asset_watermarks
            where asset in (select unnest($tables)) and feed is not null and rows > 0
            order by month
            """,
            {"tables": sorted(tables_beside(manifest, metrics))},
        ).fetchall()
    except duckdb.CatalogException:
        return []
    return [month for (month,) in found]


def stray_months(answer: pa.Table, months: Sequence[date]) -> list[date]:
    """Months that appear in an answer by day or month, but are not loaded: files also hold rows of other months."""
    columns = [
        name for name in answer.column_names if re.fullmatch(r"(metric_time|\w+__pickup_date)__(day|month)", name)
    ]
    found = {value.date().replace(day=1) for name in columns for value in answer[name].to_pylist() if value}
    return sorted(found - set(months)) if months else []


def _manifest(source: MetricSource | None) -> Manifest:
    return manifest_of(source or source_for_readers())


def _check_query(query: MetricQuery) -> None:
    """Refuse what MetricFlow would misunderstand, or would answer with nothing."""
    _check_names("metric", query.metrics)
    _check_names("dimension", query.group_by)
    _check_names("name to order by", tuple(name.removeprefix("-") for name in query.order_by))
    _check_names("saved query", (query.saved_query,) if query.saved_query is not None else ())
    if query.limit is not None and query.limit < 1:
        raise BadMetricQueryError(f"expected a limit of 1 row or more, but got {query.limit}")
    if any(bound and bound.tzinfo for bound in (query.start, query.end)):
        raise BadMetricQueryError("expected start and end without a time zone, but got one with a time zone")
    if any(bound and bound.time() != time.min for bound in (query.start, query.end)):
        raise BadMetricQueryError("expected start and end to be days, but got one with a time of day")
    if query.start and query.end and query.start > query.end:
        raise BadMetricQueryError(
            f"expected a first day that is not after the last, but got {query.start:%Y-%m-%d} to {query.end:%Y-%m-%d}"
        )


def _bounds(query: MetricQuery) -> Iterator[str]:
    """The conditions that keep metric_time within the days of a query.

    Not MetricFlow's own time constraint: for metrics whose metric_time has hours, it ends at the last day's midnight.
    """
    for operator, bound in ((">=", query.start), ("<=", query.end)):
        if bound:
            yield f"{{{{ TimeDimension('metric_time', 'day') }}}} {operator} '{bound:%Y-%m-%d}'"


def _check_names(kind: str, names: tuple[str, ...]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise BadMetricQueryError(f"expected a {kind} in letters, digits and underscores, but got {name!r}")


@lru_cache(maxsize=256)
def _sql(query: MetricQuery, manifest: Manifest, dialect: Dialect) -> str:
    return kept_sql(f"{dialect} {query!r}", manifest, lambda: _written_sql(query, manifest, dialect))


def _written_sql(query: MetricQuery, manifest: Manifest, dialect: Dialect) -> str:
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest, OutputColumnOrderMode

    with refusals(), LOCK:
        request = MetricFlowQueryRequest.create(
            saved_query_name=query.saved_query,
            metric_names=query.metrics or None,
            group_by_names=query.group_by or None,
            where_constraints=[*map(_FILTERS[dialect], query.where), *_bounds(query)] or None,
            order_by_names=query.order_by or query.group_by or None,
            limit=query.limit,
            output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
        )
        return engine(manifest, dialect).explain(request).sql_statement.without_descriptions.sql
