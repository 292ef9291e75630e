"""Check that two databases hold the same rows in a table, in any order."""

from pathlib import Path

import duckdb

from benchmarks.processes import BenchmarkError
from warehouse.sql import literal

# Sums of doubles depend on the order of the rows, and rounding them can tip the last place kept.
TOLERANCE = 0.001


def require_same_rows(expected: Path, found: Path, table: str, key: tuple[str, ...], schema: str = "core_core") -> int:
    """Compare `<schema>.<table>` of two databases, and return the number of its rows.

    It compares the number of rows and an order-independent hash over whole rows. If these differ, it compares rows with
    the same key, doubles within a tolerance.

    Raises:
        BenchmarkError: columns or rows differ; the message says which columns, and in how many rows.
    """
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        connection.execute(f"attach {literal(expected)} as expected (read_only)")
        connection.execute(f"attach {literal(found)} as found (read_only)")
        types = [connection.execute(f"describe {side}.{schema}.{table}").fetchall() for side in ("expected", "found")]
        expected_columns, found_columns = ({name: type_ for name, type_, *_ in rows} for rows in types)
        if expected_columns != found_columns:
            unlike = sorted(set(expected_columns.items()) ^ set(found_columns.items()))
            raise BenchmarkError(f"expected the same columns in {table} of floor and dbt, but only one has: {unlike}")
        columns = ", ".join(expected_columns)
        digests = [
            connection.execute(f"select count(*), sum(hash({columns})) from {side}.{schema}.{table}").fetchall()[0]
            for side in ("expected", "found")
        ]
        if digests[0] != digests[1]:
            differing = _differences_by_key(connection, f"{schema}.{table}", expected_columns, key)
            # A row that one side has twice has a partner on the other side both times.
            if digests[0][0] != digests[1][0]:
                differing["rows"] = digests[1][0] - digests[0][0]
            if differing:
                raise BenchmarkError(f"expected the same rows in {table} of floor and dbt, but differ: {differing}")
        return int(digests[0][0])


def _differences_by_key(
    connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], key: tuple[str, ...]
) -> dict[str, int]:
    """In how many rows the two differ, by column, and how many rows only one of them has."""
    unlike = ", ".join(
        f"count(*) filter ({_is_unlike(name, type_)}) as {name}" for name, type_ in columns.items() if name not in key
    )
    differences = connection.execute(
        f"select count(*) filter (expected.{key[0]} is null) as only_found,"
        f" count(*) filter (found.{key[0]} is null) as only_expected, {unlike}"
        f" from expected.{table} as expected full join found.{table} as found"
        f" using ({', '.join(key)})"
    )
    names = [column[0] for column in differences.description or []]
    return {name: count for name, count in zip(names, differences.fetchall()[0], strict=True) if count}


def _is_unlike(name: str, type_: str) -> str:
    if type_ == "DOUBLE":
        return (
            f"(expected.{name} is null) <> (found.{name} is null) or abs(expected.{name} - found.{name}) > {TOLERANCE}"
        )
    return f"expected.{name} is distinct from found.{name}"
