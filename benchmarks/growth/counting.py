"""Counts of what work consists of: SQL statements and the rows and files that they scan, and calls about files.

Counts are the same on any machine and at any load, where seconds are not. `counted()` counts whatever this process does
meanwhile: on connections to DuckDB that it opens meanwhile, dbt's included, and with files through Python.
"""

import functools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import duckdb

from warehouse.dbt_plugin import Plugin

# What a connection of the platform locks, and a profile needs.
_LOCK = "lock_configuration"


@dataclass
class Work:
    """What was done.

    `statements` is how many were sent to DuckDB. `scans` and `rows` are how often they scanned a table, and how many
    rows, by table; rows that DuckDB only counts are not scanned. `parquet_files` is how many files they opened, each as
    often as a statement did. `file_calls` are calls of Python about files, by name.
    """

    statements: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    parquet_files: int = 0
    scans: Counter[str] = field(default_factory=Counter)
    file_calls: Counter[str] = field(default_factory=Counter)

    @property
    def rows_scanned(self) -> int:
        """The rows of all tables."""
        return sum(self.rows.values())

    def rows_of(self, *prefixes: str) -> int:
        """The rows of the tables whose names begin so, such as `meta.`."""
        return sum(rows for table, rows in self.rows.items() if table.startswith(prefixes))

    def add_statement(self, profile: str) -> None:
        """Add a statement, by DuckDB's profile of it."""
        self.statements += 1
        operators: list[dict[str, Any]] = list(json.loads(profile).get("operator") or ())
        while operators:
            operator = operators.pop()
            operators += operator.get("children", ())
            info = operator.get("extra_info") or {}
            self.parquet_files += int(info.get("Total Files Read", 0))
            if (rows := operator.get("rows_scanned", 0)) and (info.get("Projections") or info.get("Filters")):
                table = str(info.get("Table") or info.get("Function") or "?")
                name = table.partition(".")[2] or table
                self.rows[name] += rows
                self.scans[name] += 1


class _Counting:
    """A connection or cursor of DuckDB whose statements are counted."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, work: Work) -> None:
        self._connection, self._work, self._is_unread = connection, work, False
        connection.execute("pragma enable_profiling = 'no_output'")

    def execute(self, query: Any, *arguments: Any, **named: Any) -> "_Counting":
        # One by one, because a profile is that of the last statement only.
        statements = duckdb.extract_statements(query) if isinstance(query, str) else [query]
        for statement in statements:
            if _LOCK in statement.query and statement.query.lstrip().lower().startswith("set"):
                continue
            self._read()
            self._connection.execute(statement, *arguments, **named)
            self._is_unread = True
        return self

    def cursor(self) -> "_Counting":
        return _Counting(self._connection.cursor(), self._work)

    def close(self) -> None:
        self._read()
        self._connection.close()

    def begin(self) -> "_Counting":
        self._read()
        self._connection.begin()
        return self

    def commit(self) -> "_Counting":
        self._read()
        self._connection.commit()
        return self

    def rollback(self) -> "_Counting":
        self._read()
        self._connection.rollback()
        return self

    def _read(self) -> None:
        """Count the last statement. Not before now, for the scans of a query end when its rows are fetched."""
        if self._is_unread:
            self._is_unread = False
            self._work.add_statement(self._connection.get_profiling_information(format="json"))

    def __enter__(self) -> "_Counting":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextmanager
def counted() -> Iterator[Work]:
    """Count the work of this process during the `with` block."""
    work = Work()
    connect = duckdb.connect

    def counting_connect(database: Any = ":memory:", read_only: bool = False, config: Any = None) -> Any:
        unlocked = {name: value for name, value in (config or {}).items() if name != _LOCK}
        return _Counting(connect(database, read_only, unlocked), work)

    with ExitStack() as stack:
        stack.enter_context(patch.object(duckdb, "connect", counting_connect))
        stack.enter_context(patch.object(Plugin, "locks_settings", False))
        for name in ("stat", "chmod", "link", "fsync"):
            stack.enter_context(patch.object(os, name, _counting_call(getattr(os, name), work.file_calls)))
        yield work


def _counting_call(function: Callable[..., Any], calls: Counter[str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        calls[function.__name__] += 1
        return function(*arguments, **named)

    return call
