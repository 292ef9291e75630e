"""How MetricFlow's plans become Spark's SQL. Import it late, as MetricFlow itself.

MetricFlow knows the dialect of Databricks, which is Spark's but for types: times without a zone, and figures as DuckDB
has them. Spark divides and averages decimals to a few digits, where DuckDB takes doubles.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from metricflow.sql.render.databricks import DatabricksSqlExpressionRenderer, DatabricksSqlPlanRenderer
from metricflow.sql.render.expr_renderer import SqlExpressionRenderer, SqlExpressionRenderResult
from metricflow.sql.render.sql_plan_renderer import SqlPlanRenderResult
from metricflow.sql.sql_select_node import SqlOrderByDescription
from metricflow.sql.sql_table_node import SqlTableNode
from metricflow_semantic_interfaces.type_enums.time_granularity import TimeGranularity
from metricflow_semantics.sql.sql_bind_parameters import SqlBindParameterSet
from metricflow_semantics.sql.sql_exprs import (
    SqlAddTimeExpression,
    SqlAggregateFunctionExpression,
    SqlDateTruncExpression,
    SqlExtractExpression,
    SqlFunction,
    SqlStringExpression,
    SqlSubtractTimeIntervalExpression,
    SqlWindowFunctionExpression,
)
from typing_extensions import override

from metrics.rendering import TotalOrder

# A text or a name in quotes stays as it is; a number with a point becomes a double.
_QUOTED_OR_DECIMAL = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|(?<![\w.])(?P<decimal>\d+\.\d*)(?![\w.])", re.DOTALL)


def with_doubles(sql: str) -> str:
    """The same expression with doubles in place of decimals."""
    return _QUOTED_OR_DECIMAL.sub(lambda found: f"{found[0]}D" if found["decimal"] else found[0], sql)


def _with(rendered: SqlExpressionRenderResult, sql: str) -> SqlExpressionRenderResult:
    return SqlExpressionRenderResult(sql=sql, bind_parameter_set=rendered.bind_parameter_set)


class _ExpressionRenderer(DatabricksSqlExpressionRenderer):
    @property
    @override
    def timestamp_data_type(self) -> str:
        return "TIMESTAMP_NTZ"

    @override
    def visit_string_expr(self, node: SqlStringExpression) -> SqlExpressionRenderResult:
        rendered = super().visit_string_expr(node)
        return _with(rendered, with_doubles(rendered.sql))

    @override
    def visit_date_trunc_expr(self, node: SqlDateTruncExpression) -> SqlExpressionRenderResult:
        """Without a zone, which Spark's DATE_TRUNC adds; a day as a cast, so that Spark skips files by their dates."""
        if node.time_granularity is TimeGranularity.DAY:
            rendered = self.render_sql_expr(node.arg)
            return _with(rendered, f"CAST({rendered.sql} AS DATE)")
        rendered = super().visit_date_trunc_expr(node)
        return _with(rendered, f"CAST({rendered.sql} AS {self.timestamp_data_type})")

    @override
    def visit_subtract_time_interval_expr(self, node: SqlSubtractTimeIntervalExpression) -> SqlExpressionRenderResult:
        """Without a zone, as DATEADD of a date has one in Spark."""
        rendered = super().visit_subtract_time_interval_expr(node)
        return _with(rendered, f"CAST({rendered.sql} AS {self.timestamp_data_type})")

    @override
    def visit_add_time_expr(self, node: SqlAddTimeExpression) -> SqlExpressionRenderResult:
        rendered = super().visit_add_time_expr(node)
        return _with(rendered, f"CAST({rendered.sql} AS {self.timestamp_data_type})")

    @override
    def visit_window_function_expr(self, node: SqlWindowFunctionExpression) -> SqlExpressionRenderResult:
        """What has no value comes last, as on DuckDB."""
        order = tuple(
            each if each.nulls_last is not None else replace(each, nulls_last=True) for each in node.order_by_args
        )
        return super().visit_window_function_expr(replace(node, order_by_args=order))

    @override
    def visit_extract_expr(self, node: SqlExtractExpression) -> SqlExpressionRenderResult:
        rendered = super().visit_extract_expr(node)
        return _with(rendered, f"CAST({rendered.sql} AS BIGINT)")

    @override
    def visit_function_expr(self, node: SqlAggregateFunctionExpression) -> SqlExpressionRenderResult:
        rendered = super().visit_function_expr(node)
        if node.sql_function is not SqlFunction.AVERAGE:
            return rendered
        (argument,) = (self.render_sql_expr(each) for each in node.sql_function_args)
        return _with(rendered, f"AVG(CAST({argument.sql} AS {self.double_data_type}))")


class SparkRenderer(TotalOrder, DatabricksSqlPlanRenderer):
    """MetricFlow's renderer for Databricks, made fit for Spark."""

    EXPR_RENDERER = _ExpressionRenderer()

    @property
    @override
    def expr_renderer(self) -> SqlExpressionRenderer:
        return self.EXPR_RENDERER

    @override
    def _render_aliased_table_expression(self, table_sql: str, alias: str) -> str:
        """Always with an alias: Spark reads `from trips where (is_rain)` as an alias and its columns."""
        return f"{table_sql} {alias}"

    @override
    def _render_order_by_section(self, order_bys: Sequence[SqlOrderByDescription]) -> SqlPlanRenderResult | None:
        """What has no value comes last, as on DuckDB."""
        rendered = [self.expr_renderer.render_sql_expr(order.expr) for order in order_bys]
        if not rendered:
            return None
        keys = (
            f"{each.sql}{' DESC' if order.desc else ''} NULLS LAST"
            for each, order in zip(rendered, order_bys, strict=True)
        )
        parameters = SqlBindParameterSet.merge_iterable([each.bind_parameter_set for each in rendered])
        return SqlPlanRenderResult(sql="ORDER BY " + ", ".join(keys), bind_parameter_set=parameters)

    @override
    def visit_table_node(self, node: SqlTableNode) -> SqlPlanRenderResult:
        """With Spark's quotes for the names. They are those of dbt, and have no quotes in them."""
        rendered = super().visit_table_node(node)
        return SqlPlanRenderResult(sql=rendered.sql.replace('"', "`"), bind_parameter_set=rendered.bind_parameter_set)
