"""What a subject's briefing is written from: one day of one release."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import duckdb

from briefings.feed_days import FeedDay
from metrics.query import MetricQuery, query_metrics
from warehouse.releases import Source

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Day:
    """A day, as the briefing of a subject reads it: marts by SQL with parameters, and governed metrics.

    `feeds` are those of the subject. `$day` is the day in every query.
    """

    date: date
    source: Source
    connection: duckdb.DuckDBPyConnection
    feeds: tuple[FeedDay, ...]

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query, with values as `$name`.

        Raises:
            duckdb.Error: the query cannot be answered.
        """
        found = self.connection.execute(sql, {"day": self.date, **parameters})
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def metrics(self, metrics: tuple[str, ...], *group_by: str) -> list[Row]:
        """Governed metrics of the day.

        Raises:
            WarehouseError: they cannot be answered.
        """
        midnight = datetime.combine(self.date, time())
        query = MetricQuery(metrics, group_by, start=midnight, end=midnight)
        rows: list[Row] = query_metrics(query, self.source, self.connection).to_pylist()
        return rows

    def has_table(self, full_name: str) -> bool:
        """Whether there is a table or view, such as `schema.table`."""
        return bool(
            self.connection.execute(
                "select 1 from information_schema.tables where table_catalog = current_database()"
                " and table_schema || '.' || table_name = ?",
                [full_name],
            ).fetchall()
        )

    def loaded(self, feed: str) -> bool:
        """Whether the day of a feed is loaded."""
        return any(one.feed.name == feed and one.loaded for one in self.feeds)


@dataclass(frozen=True)
class SubjectBriefing:
    """What a subject says of a day. Each section gives its Markdown, or nothing where it has nothing to say."""

    title: str
    sections: Sequence[Callable[[Day], str]]


@dataclass(frozen=True)
class Document:
    """A briefing: its title, and its text in Markdown below that."""

    title: str
    text: str

    @property
    def markdown(self) -> str:
        """The whole document."""
        return f"# {self.title}\n\n{self.text}\n"
