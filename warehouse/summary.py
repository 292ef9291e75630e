"""What the warehouse holds, at a glance: `python -m warehouse.summary`.

Exit status: 0 every published row is in the fact or the quarantine; 1 some are lost; 3 something is not built yet,
nothing is loaded, or an earlier version wrote the database.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from warehouse.connection import OutdatedDatabaseError, WarehouseError, open_for_reading
from warehouse.paths import database_path
from warehouse.terminal import quiet_on_broken_pipe

# The loads that are there, and those that each fact was last built from.
_LOADED = """
    with loaded as (
        select feed, cast(period_start as date) as source_month, load_id, rows
        from meta.asset_watermarks
        where source_url is not null and asset <> 'weather'
    ),

    built as (
        select
            asset,
            feed,
            cast(period_start as date) as source_month,
            load_id
        from meta.asset_watermarks
        where asset in ('fct_trips', 'quarantined_trips')
    )

    select
        feed,
        source_month,
        loaded.rows,
        -- A month of which nothing is rejected is not among the rejected.
        facts.load_id = loaded.load_id and coalesce(rejected.load_id = loaded.load_id, true) as is_built
    from loaded
    left join (from built where asset = 'fct_trips') as facts using (feed, source_month)
    left join (from built where asset = 'quarantined_trips') as rejected using (feed, source_month)
    order by all
"""

_BUILT = "select feed, source_month, min(trip_type), count(*) from core_core.{table} group by feed, source_month"

_LOAD_FIRST = "nothing is loaded yet. Load a month: python ingestion/run_pipeline.py --year 2025 --months 1"
_BUILD_FIRST = "Not everything is built from what is loaded. Build it: cd dbt && dbt build"


@dataclass(frozen=True)
class FeedRows:
    """Where a feed's published rows are. What is not built yet may be in the facts as it was before."""

    feed: str
    published: int
    facts: int
    quarantined: int
    not_built: int
    lost: int


def rows_by_feed(connection: duckdb.DuckDBPyConnection) -> list[FeedRows]:
    """Where every published row of trips is, by feed; nothing where nothing is loaded."""
    partitions = _fetch(connection, _LOADED)
    facts = {row[:2]: row[3] for row in _fetch(connection, _BUILT.format(table="fct_trips"))}
    quarantined = {row[:2]: row[3] for row in _fetch(connection, _BUILT.format(table="quarantined_trips"))}
    feeds = []
    for feed in sorted({feed for feed, *_ in partitions}):
        not_built = lost = 0
        published = [(month, rows, is_built) for name, month, rows, is_built in partitions if name == feed]
        for month, rows, is_built in published:
            if is_built:
                lost += rows - facts.get((feed, month), 0) - quarantined.get((feed, month), 0)
            else:
                not_built += rows
        feeds.append(
            FeedRows(
                feed,
                published=sum(rows for _, rows, _ in published),
                facts=sum(rows for (name, _), rows in facts.items() if name == feed),
                quarantined=sum(rows for (name, _), rows in quarantined.items() if name == feed),
                not_built=not_built,
                lost=lost,
            )
        )
    return feeds


def _fetch(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """The rows; none where the table is not there yet."""
    try:
        return connection.execute(query).fetchall()
    except duckdb.CatalogException:
        return []


def print_summary(connection: duckdb.DuckDBPyConnection, console: Console) -> int:
    """Print trips by month and trip type, and where each feed's published rows are; the exit status."""
    feeds = rows_by_feed(connection)
    if not feeds:
        console.print(f"{database_path()}: {_LOAD_FIRST}", soft_wrap=True, markup=False)
        return 3
    counts_by_cell = Counter[tuple[str, str]]()
    for _, month, trip_type, rows in _fetch(connection, _BUILT.format(table="fct_trips")):
        counts_by_cell[f"{month:%Y-%m}", trip_type] += rows
    trip_types = sorted({trip_type for _, trip_type in counts_by_cell})
    table = _table("Trips by month of file and trip type", "month", [*trip_types, "all"])
    for month in sorted({month for month, _ in counts_by_cell}):
        counts = [counts_by_cell[month, trip_type] for trip_type in trip_types]
        table.add_row(month, *_figures([*counts, sum(counts)]))
    if counts_by_cell:
        console.print(table)
        console.print()
    columns = ["published", "fct_trips", "quarantined_trips", "not built yet", "lost"]
    table = _table("Rows that came, and where they are", "feed", columns)
    for rows in feeds:
        table.add_row(rows.feed, *_figures([rows.published, rows.facts, rows.quarantined, rows.not_built, rows.lost]))
    console.print(table)
    path = database_path()
    console.print(f"\n{path}, {path.stat().st_size / 1e6:,.0f} MB", highlight=False, soft_wrap=True, markup=False)
    if any(rows.not_built for rows in feeds):
        console.print(_BUILD_FIRST, soft_wrap=True)
    if any(rows.lost for rows in feeds):
        return 1
    return 3 if any(rows.not_built for rows in feeds) else 0


def _table(title: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(first, title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _figures(counts: Sequence[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


@quiet_on_broken_pipe
def main() -> int:
    """Print the summary of the database, and return the exit status."""
    try:
        with open_for_reading() as connection:
            return print_summary(connection, Console())
    except OutdatedDatabaseError as error:
        print(error, file=sys.stderr)
        return 3
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return 1 if database_path().exists() else 3


if __name__ == "__main__":
    sys.exit(main())
