"""What the warehouse holds, at a glance: `python -m warehouse.summary`."""

import sys

import duckdb
from rich.console import Console
from rich.table import Table

from warehouse.connection import WarehouseError, open_for_reading
from warehouse.paths import database_path

_TRIPS_BY_MONTH = """
    select strftime(source_month, '%Y-%m') as month, trip_type, count(*) as trips
    from core_core.fct_trips
    group by all
    order by all
"""

# Every published trip is a row of the fact or of the quarantine.
_ROWS_IN_AND_OUT = """
    with published as (
        select asset as feed, sum(rows)::bigint as rows
        from meta.asset_watermarks
        where source_url is not null and asset <> 'weather'
        group by feed
    ),

    facts as (select feed, count(*) as rows from core_core.fct_trips group by feed),

    quarantined as (select feed, count(*) as rows from core_core.quarantined_trips group by feed)

    select feed, published.rows, coalesce(facts.rows, 0), coalesce(quarantined.rows, 0)
    from published
    left join facts using (feed)
    left join quarantined using (feed)
    order by feed
"""


def print_summary(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Print trips by month and trip type, and where each feed's published rows are."""
    trips = connection.execute(_TRIPS_BY_MONTH).fetchall()
    trip_types = sorted({trip_type for _, trip_type, _ in trips})
    by_cell = {(month, trip_type): count for month, trip_type, count in trips}
    table = Table("month", title="Trips by month of file and trip type", box=None, header_style="bold", pad_edge=False)
    for trip_type in [*trip_types, "all"]:
        table.add_column(trip_type, justify="right")
    for month in sorted({month for month, _, _ in trips}):
        counts = [by_cell.get((month, trip_type), 0) for trip_type in trip_types]
        table.add_row(month, *(f"{count:,}" for count in [*counts, sum(counts)]))
    console.print(table)
    console.print()
    table = Table("feed", title="Rows that came, and where they are", box=None, header_style="bold", pad_edge=False)
    for name in ("published", "fct_trips", "quarantined_trips", "lost"):
        table.add_column(name, justify="right")
    for feed, published, facts, quarantined in connection.execute(_ROWS_IN_AND_OUT).fetchall():
        counts = [published, facts, quarantined, published - facts - quarantined]
        table.add_row(feed, *(f"{count:,}" for count in counts))
    console.print(table)
    console.print(f"\n{database_path()}, {database_path().stat().st_size / 1e6:,.0f} MB", highlight=False)


def main() -> int:
    """Print the summary of the database, and return 1 if there is nothing to sum up."""
    try:
        with open_for_reading() as connection:
            print_summary(connection, Console())
    except (WarehouseError, duckdb.CatalogException) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
