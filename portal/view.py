"""What a page sees: one release, and the answers to questions about it.

All sessions share what was asked of a release before. A page asks metrics, or reads marts by SQL with parameters. It
has no formula of its own.
"""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary, finalize

import duckdb
import pandas as pd
import streamlit as st

from metrics.query import MetricQuery, query_metrics
from warehouse.releases import Release, Source, naming_damage

# Answers kept for all sessions.
_ANSWERS = 500

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

    def has_table(self, full_name: str) -> bool:
        """Whether the release has a table with rows, such as `schema.table`."""
        table = self.release.table(full_name)
        return table is not None and table.rows > 0

    @property
    def source(self) -> Source:
        """The release as a source of metrics."""
        return Source(self.release)


class OpenRelease:
    """A release that is kept open as long as somebody has this. Meanwhile its files are not deleted when it expires."""

    def __init__(self, release: Release) -> None:
        with ExitStack() as stack:
            self._connection = stack.enter_context(Source(release).open())
            finalize(self, stack.pop_all().close)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one thread."""
        return self._connection.cursor()


_OPEN: WeakValueDictionary[Path, OpenRelease] = WeakValueDictionary()
_OPENING = threading.Lock()


def keep_open(release: Release) -> OpenRelease:
    """A release, open; one for all sessions that show it.

    Raises:
        WarehouseError: it is gone or damaged.
    """
    with _OPENING:
        found = _OPEN.get(release.folder)
        if found is None:
            found = _OPEN[release.folder] = OpenRelease(release)
        return found


@st.cache_data(max_entries=_ANSWERS, show_spinner=False)
def _rows(release_id: str, sql: str, parameters: Mapping[str, Any], _release: Release) -> pd.DataFrame:
    with naming_damage(_release), keep_open(_release).cursor() as cursor:
        return cursor.execute(sql, dict(parameters)).df()


@st.cache_data(max_entries=_ANSWERS, show_spinner=False)
def _metrics(release_id: str, query: MetricQuery, _release: Release) -> pd.DataFrame:
    with keep_open(_release).cursor() as cursor:
        return query_metrics(query, Source(_release), cursor).to_pandas()
