"""Compares MetricFlow's answers with those of plain SQL."""

import math
from datetime import datetime

import duckdb

from metrics.query import MetricQuery, query_metrics
from warehouse.releases import source_for_readers

# A figure by the values that it is grouped by.
Groups = dict[tuple[object, ...], object]


def _key(value: object) -> object:
    return value.date() if isinstance(value, datetime) else value


def answered(
    connection: duckdb.DuckDBPyConnection, metric: str, group_by: tuple[str, ...], where: tuple[str, ...] = ()
) -> Groups:
    """What MetricFlow answers."""
    rows = [
        tuple(row.values())
        for row in query_metrics(MetricQuery((metric,), group_by, where), source_for_readers(), connection).to_pylist()
    ]
    groups = {tuple(map(_key, row[:-1])): row[-1] for row in rows}
    assert len(groups) == len(rows), "a group comes twice"
    return groups


def computed(
    connection: duckdb.DuckDBPyConnection, table: str, definition: str, keys: tuple[str, ...], where: str = "true"
) -> Groups:
    """What an aggregate of a table's rows is, by expressions."""
    keys = keys or ("1",)
    names = ", ".join(f"k{i}" for i in range(len(keys)))
    columns = ", ".join(f"{key} as k{i}" for i, key in enumerate(keys))
    rows = connection.execute(
        f"select {names}, {definition} from (select *, {columns} from {table} where {where}) group by {names}"
    ).fetchall()
    return {tuple(map(_key, row[:-1])) if keys != ("1",) else (): row[-1] for row in rows}


def assert_same(answer: Groups, plain: Groups) -> None:
    """Fails where a group is missing or a figure is another."""
    assert answer.keys() == plain.keys()
    for group, value in plain.items():
        got = answer[group]
        if value is None or got is None:
            assert got is value, group
        else:
            assert isinstance(got, int | float)
            assert isinstance(value, int | float)
            assert math.isclose(got, value, rel_tol=1e-9, abs_tol=1e-9), group
