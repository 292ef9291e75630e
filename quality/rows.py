"""Expectations on the rows of a table, as GX has them. `mostly` is the share of the rows with a value."""

from collections.abc import Sequence

from quality.suite import Expectation, Severity

Bound = float | str | None


def row_count(low: int | None = 1, high: int | None = None) -> Expectation:
    """The number of rows of the table is in a range; by default it has at least one."""
    return Expectation(
        "row_count", "expect_table_row_count_to_be_between", {"min_value": low, "max_value": high}, "Rows of the table."
    )


def not_null(column: str, mostly: float = 1.0, severity: Severity = "error") -> Expectation:
    """The column has a value."""
    return Expectation(
        f"{column}_not_null",
        "expect_column_values_to_not_be_null",
        {"column": column, "mostly": mostly},
        f"{column} has a value.",
        severity,
    )


def unique(column: str) -> Expectation:
    """The column has no value twice. Sorts the column: not for tens of millions of rows."""
    arguments = {"column": column}
    return Expectation(
        f"{column}_unique",
        "expect_column_values_to_be_unique",
        arguments,
        f"{column} is the key: no value is there twice.",
    )


def unique_together(name: str, columns: Sequence[str]) -> Expectation:
    """The columns have no combination of values twice."""
    arguments = {"column_list": list(columns)}
    return Expectation(
        name, "expect_compound_columns_to_be_unique", arguments, f"{' and '.join(columns)} together are the key."
    )


def between(
    column: str, low: Bound, high: Bound, mostly: float = 1.0, severity: Severity = "error", why: str = ""
) -> Expectation:
    """Values of the column are in a range, both bounds included; None means no bound."""
    return Expectation(
        f"{column}_in_range",
        "expect_column_values_to_be_between",
        {"column": column, "min_value": low, "max_value": high, "mostly": mostly},
        why or f"{column} is in its range.",
        severity,
    )


def in_set(
    column: str, values: Sequence[str | int], mostly: float = 1.0, severity: Severity = "error", why: str = ""
) -> Expectation:
    """Values of the column are among these."""
    return Expectation(
        f"{column}_known",
        "expect_column_values_to_be_in_set",
        {"column": column, "value_set": list(values), "mostly": mostly},
        why or f"{column} is one of the known values.",
        severity,
    )


def mean_between(column: str, low: float, high: float, severity: Severity = "error") -> Expectation:
    """The mean of the column is in a range."""
    return Expectation(
        f"{column}_mean",
        "expect_column_mean_to_be_between",
        {"column": column, "min_value": low, "max_value": high},
        f"The mean of {column} is plausible.",
        severity,
    )


def at_least(
    name: str, larger: str, smaller: str, mostly: float = 1.0, severity: Severity = "error", why: str = ""
) -> Expectation:
    """One column is not below another."""
    return Expectation(
        name,
        "expect_column_pair_values_a_to_be_greater_than_b",
        {
            "column_A": larger,
            "column_B": smaller,
            "or_equal": True,
            "mostly": mostly,
            "ignore_row_if": "either_value_is_missing",
        },
        why or f"{larger} is not below {smaller}.",
        severity,
    )


def none_where(name: str, condition: str, description: str, severity: Severity = "error") -> Expectation:
    """The SQL condition holds for no row."""
    return no_rows(name, f"select * from {{batch}} where {condition}", description, severity)


def no_rows(name: str, query: str, description: str, severity: Severity = "error") -> Expectation:
    """The query, in which `{batch}` stands for the table, has no rows."""
    return Expectation(name, "unexpected_rows_expectation", {"unexpected_rows_query": query}, description, severity)
