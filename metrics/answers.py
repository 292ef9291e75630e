"""Run the SQL of metrics, and give the answer as Arrow with the same types, whichever engine ran it."""

from contextlib import nullcontext

import duckdb
import pyarrow as pa

from metrics.semantic_manifest import BadMetricQueryError, MetricQueryError
from warehouse.releases import Source, naming_damage
from warehouse.spark.tables import BadSparkSqlError, SparkError, SparkTables

_WHOLE_NUMBER = pa.decimal128(38, 0)


def answer_of_duckdb(sql: str, source: Source, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """What a source's rows answer to a query that MetricFlow has written.

    Raises:
        MetricQueryError: DuckDB cannot answer.
        ReleaseError: the release is damaged.
    """
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise BadMetricQueryError("expected one query, but a condition turned it into several")
    try:
        # A cursor of its own lets threads share the connection.
        with naming_damage(source.release) if source.release else nullcontext(), connection.cursor() as cursor:
            answer: pa.Table = cursor.sql(sql).to_arrow_table()
    except duckdb.CatalogException as error:
        if "Function" in str(error):
            raise BadMetricQueryError(f"DuckDB refuses the condition: {_first_line(error)}") from error
        raise MetricQueryError(
            f"{_first_line(error)}\nBuild the facts of these metrics first: cd dbt && dbt build"
            + (", then publish them: nyc publish" if source.release else "")
        ) from error
    except (duckdb.BinderException, duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise BadMetricQueryError(
            f"DuckDB refuses the query, most likely because of a condition: {_first_line(error)}"
        ) from error
    except duckdb.Error as error:
        raise MetricQueryError(f"DuckDB cannot answer the query: {_first_line(error)}") from error
    return _for_clients(answer)


def answer_of_spark(sql: str, source: SparkTables) -> pa.Table:
    """The same from what is built on Spark.

    Raises:
        MetricQueryError: Spark cannot answer.
        NotThereYetError: Spark is not installed, or the facts are not built.
    """
    try:
        return _for_clients(source.query(sql))
    except BadSparkSqlError as error:
        raise BadMetricQueryError(f"Spark refuses the query, most likely because of a condition: {error}") from error
    except SparkError as error:
        raise MetricQueryError(f"Spark cannot answer the query: {error}") from error


def _for_clients(answer: pa.Table) -> pa.Table:
    return answer.cast(pa.schema([(field.name, _type_for_clients(field)) for field in answer.schema]))


def _type_for_clients(field: pa.Field) -> pa.DataType:
    if field.type == _WHOLE_NUMBER:
        # DuckDB sums integers as decimals of 128 bits, which few Arrow clients read as integers.
        return pa.int64()
    if pa.types.is_decimal(field.type):
        # Nor fractions. Spark is asked for doubles in the first place.
        return pa.float64()
    if field.type == pa.date32() and field.name.endswith("__day"):
        # Like times of every other grain.
        return pa.timestamp("us")
    return field.type


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
