"""How MetricFlow's plans become DuckDB's SQL. Import it late, as MetricFlow itself."""

from metricflow.sql.render.duckdb_renderer import DuckDbSqlExpressionRenderer, DuckDbSqlPlanRenderer
from metricflow.sql.render.expr_renderer import SqlExpressionRenderer, SqlExpressionRenderResult
from metricflow_semantic_interfaces.type_enums.time_granularity import TimeGranularity
from metricflow_semantics.sql.sql_exprs import SqlDateTruncExpression
from typing_extensions import override


class _ExpressionRenderer(DuckDbSqlExpressionRenderer):
    @override
    def visit_date_trunc_expr(self, node: SqlDateTruncExpression) -> SqlExpressionRenderResult:
        """A day as a cast. DuckDB compares dates with the least and most of files, and skips them; not so date_trunc.

        A month of two years of trips then takes a tenth of the time.
        """
        if node.time_granularity is not TimeGranularity.DAY:
            return super().visit_date_trunc_expr(node)
        rendered = self.render_sql_expr(node.arg)
        return SqlExpressionRenderResult(
            sql=f"CAST({rendered.sql} AS DATE)", bind_parameter_set=rendered.bind_parameter_set
        )


class Renderer(DuckDbSqlPlanRenderer):
    """MetricFlow's renderer for DuckDB, with days that DuckDB can look up."""

    EXPR_RENDERER = _ExpressionRenderer()

    @property
    @override
    def expr_renderer(self) -> SqlExpressionRenderer:
        return self.EXPR_RENDERER
