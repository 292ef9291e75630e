"""What a page sees: one release, and the answers to questions about it.

All sessions share what was asked of a release before. A page asks metrics, or reads marts by SQL with parameters. It
has no formula of its own.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

import duckdb
import pandas as pd
import streamlit as st

from metrics.query import MetricQuery, query_metrics
from warehouse.releases import Release, Source, naming_damage

# Answers kept for all sessions, and releases kept open.
_ANSWERS = 500
_RELEASES = 3

T = TypeVar("T")

Value = str | int | float | bool | date | datetime | None


@dataclass(frozen=True)
class View:
    """One release, as pages read it."""

    release: Release

    def rows(self, sql: str, **parameters: Value | list[str]) -> pd.DataFrame:
        """The rows of a query, with values as `$name`. What a person gave comes in as a value, never in the SQL.

        Raises:
            WarehouseError: a file of the release is damaged.
            duckdb.Error: the query cannot be answered.
        """
        return _rows(self.release.id, sql, parameters, self.release)

    def metrics(self, query: MetricQuery) -> pd.DataFrame:
        """The answer to a question about metrics.

        Raises:
            BadMetricQueryError: the query is not valid.
            WarehouseError: it cannot be answered.
        """
        return _metrics(self.release.id, query, self.release)

    def read(self, ask: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """What a function of the module level reads from the release. Its name tells its answer from others'.

        Raises:
            WarehouseError: a file of the release is damaged.
            duckdb.Error: what the function asks cannot be answered.
        """
        answer: T = _read(self.release.id, f"{ask.__module__}.{ask.__qualname__}", ask, self.release)
        return answer

    def has_table(self, full_name: str) -> bool:
        """Whether the release has a table with rows, such as `schema.table`."""
        table = self.release.table(full_name)
        return table is not None and table.rows > 0

    @property
    def source(self) -> Source:
        """The release as a source of metrics."""
        return Source(self.release)


class _Opened:
    """A release kept open. It is closed when nobody has it any more."""

    def __init__(self, release: Release) -> None:
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(Source(release).open())

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one thread."""
        return self._connection.cursor()


@st.cache_resource(max_entries=_RELEASES, show_spinner=False)
def _opened(release_id: str, _release: Release) -> _Opened:
    return _Opened(_release)


@st.cache_data(max_entries=_ANSWERS, show_spinner=False)
def _rows(release_id: str, sql: str, parameters: Mapping[str, Any], _release: Release) -> pd.DataFrame:
    with naming_damage(_release), _opened(release_id, _release).cursor() as cursor:
        return cursor.execute(sql, dict(parameters)).df()


@st.cache_data(max_entries=_ANSWERS, show_spinner=False)
def _metrics(release_id: str, query: MetricQuery, _release: Release) -> pd.DataFrame:
    with _opened(release_id, _release).cursor() as cursor:
        return query_metrics(query, Source(_release), cursor).to_pandas()


@st.cache_data(max_entries=_ANSWERS, show_spinner=False)
def _read(release_id: str, name: str, _ask: Callable[[duckdb.DuckDBPyConnection], Any], _release: Release) -> Any:
    with naming_damage(_release), _opened(release_id, _release).cursor() as cursor:
        return _ask(cursor)
