"""The engines that answer metrics, by the dialect of SQL that each of them reads."""

from enum import StrEnum

from warehouse.releases import Source
from warehouse.spark.tables import SparkTables

# What metrics are asked of: a release or the working file, which DuckDB reads, or what Spark has built.
MetricSource = Source | SparkTables


class Dialect(StrEnum):
    """A dialect that MetricFlow's plans are written in."""

    DUCKDB = "duckdb"
    SPARK = "spark"


def dialect_of(source: MetricSource) -> Dialect:
    """The dialect of whoever reads the source."""
    return Dialect.SPARK if isinstance(source, SparkTables) else Dialect.DUCKDB
