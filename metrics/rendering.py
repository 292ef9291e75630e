"""How MetricFlow's plans become DuckDB's SQL. Import it late, as MetricFlow itself."""

from dataclasses import replace

from metricflow.sql.render.duckdb_renderer import DuckDbSqlExpressionRenderer, DuckDbSqlPlanRenderer
from metricflow.sql.render.expr_renderer import SqlExpressionRenderer, SqlExpressionRenderResult
from metricflow.sql.render.sql_plan_renderer import DefaultSqlPlanRenderer, SqlPlanRenderResult
from metricflow.sql.sql_select_node import SqlOrderByDescription, SqlSelectStatementNode
from metricflow_semantic_interfaces.type_enums.time_granularity import TimeGranularity
from metricflow_semantics.sql.sql_exprs import SqlColumnAliasReferenceExpression, SqlDateTruncExpression
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


class TotalOrder(DefaultSqlPlanRenderer):
    """Rows that an order leaves equal come in the order of their groups, so that the same are first and in a limit."""

    @override
    def visit_select_statement_node(self, node: SqlSelectStatementNode) -> SqlPlanRenderResult:
        if node.order_bys:
            named = {self.expr_renderer.render_sql_expr(order.expr).sql for order in node.order_bys}
            # Only what groups are by has two underscores in its name.
            groups = (column.column_alias for column in node.select_columns if "__" in column.column_alias)
            more = (
                SqlOrderByDescription(expr=SqlColumnAliasReferenceExpression.create(group), desc=False)
                for group in groups
                if group not in named
            )
            node = replace(node, order_bys=(*node.order_bys, *more))
        return super().visit_select_statement_node(node)


class DuckDbRenderer(TotalOrder, DuckDbSqlPlanRenderer):
    """MetricFlow's renderer for DuckDB, with days that DuckDB can look up."""

    EXPR_RENDERER = _ExpressionRenderer()

    @property
    @override
    def expr_renderer(self) -> SqlExpressionRenderer:
        return self.EXPR_RENDERER
