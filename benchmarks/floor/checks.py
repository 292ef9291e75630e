"""The figures that the suites check, with one SQL statement per suite and without Great Expectations."""

from typing import Any

from quality.figures import figures_query
from quality.suite import Suite
from warehouse.sql import literal


def statement(suite: Suite) -> str:
    """One statement that measures everything that the suite checks, in one pass over the table if possible.

    Raises:
        KeyError: there is no SQL for a type of expectation.
    """
    if suite.kind == "files":
        return figures_query(suite)
    figures = (f"{_FIGURES[each.type](suite, each.arguments)} as {each.name}" for each in suite.expectations)
    return f"select {', '.join(figures)} from {suite.table}"


def _count(condition: str) -> str:
    return f"count(*) filter ({condition})"


def _outside(arguments: Any) -> str:
    column, low, high = arguments["column"], arguments["min_value"], arguments["max_value"]
    bounds = [f"{column} {sign} {_literal(bound)}" for sign, bound in (("<", low), (">", high)) if bound is not None]
    return _count(" or ".join(bounds))


def _among_others(arguments: Any) -> str:
    return _count(f"{arguments['column']} not in ({', '.join(map(_literal, arguments['value_set']))})")


def _literal(value: object) -> str:
    return literal(value) if isinstance(value, str) else str(value)


def _unexpected_rows(suite: Suite, arguments: Any) -> str:
    return f"(select count(*) from ({arguments['unexpected_rows_query'].format(batch=suite.table)}))"


_FIGURES = {
    "expect_table_row_count_to_be_between": lambda _suite, _arguments: "count(*)",
    "expect_column_values_to_not_be_null": lambda _suite, arguments: _count(f"{arguments['column']} is null"),
    "expect_column_values_to_be_unique": lambda _suite, arguments: (
        f"count({arguments['column']}) - count(distinct {arguments['column']})"
    ),
    "expect_compound_columns_to_be_unique": lambda suite, arguments: (
        f"(select count(*) from (from {suite.table} select {', '.join(arguments['column_list'])}"
        " group by all having count(*) > 1))"
    ),
    "expect_column_values_to_be_between": lambda _suite, arguments: _outside(arguments),
    "expect_column_values_to_be_in_set": lambda _suite, arguments: _among_others(arguments),
    "expect_column_mean_to_be_between": lambda _suite, arguments: f"avg({arguments['column']})",
    "expect_column_pair_values_a_to_be_greater_than_b": lambda _suite, arguments: _count(
        f"{arguments['column_A']} < {arguments['column_B']}"
    ),
    "unexpected_rows_expectation": _unexpected_rows,
}
